"""The sealer: chains the trail in batches, off the hot path, so that a change of what is sealed can be named.

On PostgreSQL rows commit out of the order of ids, and ids have gaps. A row is sealed only once its transaction is older
than every transaction under way (``pg_snapshot_xmin``), and in the order of (transaction, id): what commits late has a
place after all that is sealed, so it is neither missed nor an alarm.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from typing import Any

from django.db import connection, transaction

from governance import clock
from governance.models import Seal
from governance.register import Check, Trail
from governance.trail import canonical, places, sources
from governance.trail.places import Place

BATCH = 1_000
FORMAT = 1
NOTHING_BEFORE = "0" * 64
MINUTE = dt.timedelta(minutes=1)
SLOW = 15 * MINUTE  # the job comes once a minute
_LOCK = 0x5EA1
_EMBEDDED = "embedded"


def seal_all() -> int:
    """Seal everything that can be sealed now, batch after batch, and return how many rows that were."""
    total = 0
    while seal := seal_some():
        total += seal.rows
    return total


@transaction.atomic(durable=True)
def seal_some() -> Seal | None:
    """Seal the next batch and return its seal; None where nothing waits, or where another sealer is at work."""
    if not _alone():
        return None
    head = Seal.objects.order_by("-chain", "-number").first()
    cluster, horizon = _cluster(), _horizon()
    if head is None or _restored(head, cluster, horizon):
        return _begin(head, cluster)
    return _continue(head, cluster, horizon)


def head() -> Seal | None:
    """Return the newest seal."""
    return Seal.objects.order_by("-chain", "-number").first()


def waiting() -> int:
    """Return how many rows are not sealed yet, counted no further than one batch a source."""
    newest = head()
    standing = parts_of(newest.text)["sources"] if newest else {}
    return sum(
        len(places.after(trail, place_of(standing, trail), ["id", "tx"], horizon=places.END, most=BATCH))
        for trail in sources.every()
    )


def lag() -> dt.timedelta:
    """Return how old the oldest row is that is not sealed yet; nothing where every row is sealed."""
    newest = head()
    standing = parts_of(newest.text)["sources"] if newest else {}
    waits = [
        row[0]
        for trail in sources.every()
        for row in places.after(trail, place_of(standing, trail), ["at"], horizon=places.END, most=1)
    ]
    return max(clock.database_now() - min(waits), dt.timedelta()) if waits else dt.timedelta()


def check() -> Check:
    """Return whether the trail is sealed as it grows, with what to do."""
    behind = lag()
    if behind < SLOW:
        return Check("trail_sealed", ok=True, detail="The trail is sealed as it grows.", required=False)
    said = f"Rows wait to be sealed since {behind // MINUTE} minutes. See the job seal, and long transactions."
    return Check("trail_sealed", ok=False, detail=said, required=False)


def parts_of(text: str) -> dict[str, Any]:
    """Return a seal's text as values."""
    parts: dict[str, Any] = json.loads(text)
    return parts


def place_of(standing: Mapping[str, Any], trail: Trail) -> Place:
    """Return how far the chain had come in ``trail``; a source that it does not know yet is at its beginning."""
    told = standing.get(trail.name)
    return Place(*told["place"]) if told else Place()


def _begin(old: Seal | None, cluster: str) -> Seal:
    """Open a chain, which names the head of the old one: its first seal says where each source stood."""
    every = sources.every()
    if connection.vendor == "postgresql":
        # Waits for whoever is writing, so that every row up to the floor is there, and every later one is above it.
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {', '.join(trail.name for trail in every)} IN SHARE MODE")
    standing = {}
    for trail in every:
        newest = trail.model._default_manager.order_by("-id").values_list("id", flat=True).first() or 0
        standing[trail.name] = _part(trail, Place(floor=newest), [])
    chain = old.chain + 1 if old else 1
    return _write(chain, 1, old.hash if old else NOTHING_BEFORE, cluster, standing)


def _continue(head: Seal, cluster: str, horizon: int) -> Seal | None:
    standing, found, room = parts_of(head.text)["sources"], {}, BATCH
    for trail in sources.every():
        place, version = place_of(standing, trail), max(trail.columns)
        rows = places.after(trail, place, trail.columns[version], horizon=horizon, most=room)
        found[trail.name] = _part(
            trail, places.advanced(place, rows, most=room), canonical.digests(trail.name, version, rows)
        )
        room -= len(rows)
    # A lever that is not installed any more leaves its place behind.
    found |= {name: {**part, "count": 0, "rows": []} for name, part in standing.items() if name not in found}
    if room == BATCH and all(part["place"] == standing.get(name, {}).get("place") for name, part in found.items()):
        return None
    return _write(head.chain, head.number + 1, head.hash, cluster, found)


def _part(trail: Trail, place: Place, rows: list[tuple[int, str]]) -> dict[str, Any]:
    return {"version": max(trail.columns), "place": list(place), "count": len(rows), "rows": rows}


def _write(chain: int, number: int, previous: str, cluster: str, standing: Mapping[str, Any]) -> Seal:
    now: dt.datetime = clock.database_now()
    text = canonical.document(
        {
            "format": FORMAT, "chain": chain, "number": number, "previous": previous, "cluster": cluster,
            "sealed_at": now.isoformat(), "sources": standing,
        }
    )  # fmt: skip
    return Seal.objects.create(
        chain=chain,
        number=number,
        previous=previous,
        text=text,
        hash=canonical.digest(text),
        rows=sum(part["count"] for part in standing.values()),
        sealed_at=now,
    )


def _restored(head: Seal, cluster: str, horizon: int) -> bool:
    """Say whether the database is another than the one the head was made in: its transactions count anew."""
    parts = parts_of(head.text)
    return bool(parts["cluster"] != cluster or any(part["place"][2] >= horizon for part in parts["sources"].values()))


def _alone() -> bool:
    if connection.vendor != "postgresql":
        return True  # the transaction has the database's one write lock
    return bool(_value(f"SELECT pg_try_advisory_xact_lock({_LOCK})"))


def _cluster() -> str:
    if connection.vendor != "postgresql":
        return _EMBEDDED
    return str(_value("SELECT system_identifier FROM pg_control_system()"))


def _horizon() -> int:
    """Return the transaction below which every one has ended; on SQLite, which stamps all with 0, the next number."""
    if connection.vendor != "postgresql":
        return 1
    return int(_value("SELECT pg_snapshot_xmin(pg_current_snapshot())::text"))


def _value(query: str) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]
