"""Holds: who must not act. A lever places and lifts its own; whoever must refuse asks here and knows no lever."""

from __future__ import annotations

import datetime as dt

from django.conf import settings
from django.db import connection, transaction

from governance import clock, grants, rows
from governance.models import EVERYTHING, Hold

__all__ = ["EVERYTHING", "lift", "pinning", "place", "standing"]

# In plain SQL, since every decision and every change asks: to make it of querysets takes longer than to run it.
_PLACED = "SELECT * FROM hold WHERE scope IN (%s, %s)"
_PINNING = "SELECT * FROM hold WHERE pins = %s"
_ANEW = """(scope, source, code, key) DO UPDATE
   SET reason = excluded.reason, rank = excluded.rank, pins = excluded.pins, enforced_only = excluded.enforced_only,
       starts_at = excluded.starts_at, until = excluded.until
"""
_LIFT = "DELETE FROM hold WHERE scope = %s AND source = %s AND code = %s AND key = %s"


def place(
    *,
    scope: str,
    source: str,
    code: str,
    reason: str,
    rank: int,
    key: str = "",
    pins: str = "",
    enforced_only: bool = False,
    starts_at: dt.datetime | None = None,
    until: dt.datetime | None = None,
) -> None:
    """Place a hold, in the transaction that changes the lever's state; one that stands keeps its ``since``.

    With ``starts_at`` it holds nothing before: what is allowed for a time ends by it, whether or not anybody acts then.
    """
    hold = Hold(
        scope=scope, source=source, code=code, key=key, since=clock.now(), reason=reason, rank=rank, pins=pins,
        enforced_only=enforced_only, starts_at=starts_at, until=until,
    )  # fmt: skip
    rows.insert(hold, on_conflict=_ANEW)


def lift(*, scope: str, source: str, code: str, key: str = "", replaced: bool = False) -> bool:
    """Take a hold away, in the transaction that changes the lever's state; say whether one was there.

    It loosens, but for one that is ``replaced``: what it stood for has been made part of the lever's state.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_LIFT, [scope, source, code, key])
        lifted: bool = cursor.rowcount > 0
        if lifted and not replaced:
            grants.demand({f"hold {code}"})
    return lifted


def standing(engine: str | None) -> list[Hold]:
    """Return what holds ``engine`` now (None: everything alone), the hold that names the refusal first.

    Call it after the locks of the decision are taken: a hold that was committed while the caller waited
    is seen only by a read that starts after the wait.
    """
    at, enforced = clock.database_now(), settings.GOVERNANCE_ENFORCED
    # Few are placed over one engine, and every decision asks: what stands is chosen here, which costs half.
    placed = rows.selected(Hold, _PLACED, [EVERYTHING, engine or EVERYTHING])
    over = [hold for hold in placed if hold.stands(at) and (enforced or not hold.enforced_only)]
    return sorted(over, key=_order)


def _order(hold: Hold) -> tuple[int, dt.datetime, int]:
    return hold.rank, hold.since, hold.pk


def pinning(control: str) -> Hold | None:
    """Return the hold that keeps ``control`` (such as ``kill_switch``) from being loosened, if one stands."""
    at = clock.database_now()
    return min((hold for hold in rows.selected(Hold, _PINNING, [control]) if hold.stands(at)), key=_order, default=None)
