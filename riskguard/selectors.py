"""Reads of the risk guard; they write nothing and lock nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import OuterRef, Subquery

from governance import clock, tallies
from riskguard import ledger, words
from riskguard.decisions import LedgerLine
from riskguard.models import RiskEvent, RiskLedgerDay, RiskPolicy, RiskReservation
from riskguard.rules import GLOBAL, USED_OF, Usage


def policies(*, retired: bool | None = None) -> list[RiskPolicy]:
    """Return every policy, GLOBAL first; with ``retired`` those alone that are, or are not."""
    found = RiskPolicy.objects.all()
    if retired is not None:
        found = found.filter(retired_at__isnull=not retired)
    return sorted(found, key=lambda policy: (policy.engine != GLOBAL, policy.engine))


def today() -> dt.date:
    """Return the ledger's day."""
    return ledger.day_of(clock.database_now())


def is_enabled(engine: str) -> bool:
    """Say whether ``engine`` has an enabled policy."""
    return RiskPolicy.objects.filter(engine=engine, enabled=True).exists()


def engines_of(reservation_ids: Iterable[int]) -> Iterator[str]:
    """Yield the engines of reservations; one that does not exist has none. Asks the database when it is read."""
    yield from RiskReservation.objects.filter(pk__in=reservation_ids).values_list("engine", flat=True)


def ledger_today() -> list[LedgerLine]:
    """Return today's line of every policy, GLOBAL first, with open risk carried on from earlier days.

    Four queries, however many policies and days there are.
    """
    day = ledger.day_of(clock.database_now())
    every = policies()
    newest = _newest_rows([policy.engine for policy in every])
    lines = []
    for policy in every:
        row = newest.get(policy.engine)
        if row is None:
            usage = Usage()
        elif row.day == day:
            usage = row.usage()
        else:
            usage = Usage(open_risk_reserved=row.open_risk_reserved)
        lines.append(LedgerLine(day, policy.engine, usage, policy))
    return lines


def refusals_by_reason(start: dt.datetime, end: dt.datetime) -> dict[str, int]:
    """Return how many reservations were refused from ``start`` up to ``end``, by reason, the most frequent first.

    At most ``tallies.MOST`` are counted of each reason.
    """
    counted = tallies.counted("risk_event", ["reason"], "kind = 'DENY'", start, end)
    return {reason: times for (reason,), times in counted.items()}


def exposure_by_day(engines: Iterable[str], first: dt.date, last: dt.date) -> dict[str, dict[dt.date, int]]:
    """Return the exposure of each engine, in minor units, on each day from ``first`` to ``last`` that has a ledger."""
    rows = RiskLedgerDay.objects.filter(engine__in=list(engines), day__gte=first, day__lte=last).order_by()
    found: dict[str, dict[dt.date, int]] = {}
    for row in rows:
        found.setdefault(row.engine, {})[row.day] = row.exposure_used
    return found


def unresolved() -> int:
    """Return how many reservations expired and wait for a person to look at them."""
    return RiskReservation.objects.filter(needs_review=True).count()


def decisions_on(reservation: RiskReservation) -> list[RiskEvent]:
    """Return the events of a reservation, the oldest first: it resolves once, so they are few."""
    return list(RiskEvent.objects.filter(reservation=reservation).order_by("pk"))


def newest_event_at() -> dt.datetime | None:
    """Return the time of the newest event, None where there is none."""
    return RiskEvent.objects.order_by("-pk").values_list("at", flat=True).first()


def effect_of(policy: RiskPolicy, patch: Mapping[str, Any]) -> list[str]:
    """Say what ``patch`` (minor units) means today for ``policy`` as it stands."""
    usage = ledger.read(clock.database_now(), policy.engine).rows[policy.engine].usage()
    said = [
        words.allows(policy.engine, cap, (getattr(policy, cap), patch[cap]), getattr(usage, counter))
        for cap, counter in USED_OF.items()
        if cap in patch
    ]
    if "enabled" in patch:
        said.insert(0, words.switched(policy.engine, enabled=patch["enabled"]))
    if patch.get("until"):
        back = policy.would_fall_back_to(patch)
        said.append(words.ends(policy.engine, patch["until"], back))
    return [*said, words.retiring(policy.engine, retired=patch["retired"])] if "retired" in patch else said


def _newest_rows(engines: list[str]) -> dict[str, RiskLedgerDay]:
    """Return the newest row of each engine by one index look-up an engine, in one query."""
    newest = RiskLedgerDay.objects.filter(engine=OuterRef("engine")).order_by("-day").values("pk")[:1]
    chosen = RiskPolicy.objects.filter(engine__in=engines).values_list(Subquery(newest), flat=True)
    return {row.engine: row for row in RiskLedgerDay.objects.filter(pk__in=[pk for pk in chosen if pk])}
