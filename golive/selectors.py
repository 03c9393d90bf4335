"""Reads of the switches."""

from __future__ import annotations

import datetime as dt
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from golive.models import GoLiveState
from governance import epoch
from governance.errors import Unavailable
from governance.models import EVERYTHING

MISSING = "The go-live state's row is missing: run `python manage.py seed_governance`."


class Standing(NamedTuple):
    """A hold as the gate needs it."""

    scope: str
    code: str
    reason: str
    rank: int


class Reading(NamedTuple):
    """What the gate reads, once a request: the switches, the epoch, and what holds now."""

    go_live_enabled: bool
    kill_switch_engaged: bool
    reason: str
    epoch: int
    holds: tuple[Standing, ...]

    def over(self, engine: str) -> Standing | None:
        """Return the first hold over ``engine`` that the switches are not the cause of."""
        return next((hold for hold in self.holds if hold.scope in {EVERYTHING, engine}), None)


# One statement, so that switches, epoch and holds are of one moment and cost one round trip. Holds that count only
# where enforcement is on are the switches' own, which the reading has as columns.
_READING = """
SELECT state.go_live_enabled, state.kill_switch_engaged, state.reason, epoch.value,
       held.scope, held.code, held.reason, held.rank, held.until
  FROM go_live_state AS state
  JOIN governance_epoch AS epoch ON epoch.id = 1
  LEFT JOIN hold AS held ON NOT held.enforced_only
 WHERE state.id = 1
 ORDER BY held.rank, held.since
"""


def state() -> GoLiveState:
    """Return the switches; Unavailable where their row is missing."""
    row = GoLiveState.objects.filter(pk=1).first()
    if row is None:
        raise Unavailable(MISSING)
    return row


def reading(at: dt.datetime) -> Reading:
    """Return what the gate decides by, in one query; Unavailable where a row is missing.

    ``at`` (aware, UTC) tells which holds have ended.
    """
    with connection.cursor() as cursor:
        cursor.execute(_READING)
        rows = cursor.fetchall()
    if not rows:
        raise Unavailable(MISSING)
    enabled, killed, reason, number = rows[0][:4]
    holds = tuple(Standing(*row[4:8]) for row in rows if row[4] is not None and _stands(row[8], at))
    return Reading(bool(enabled), bool(killed), reason, number, holds)


def _stands(until: dt.datetime | str | None, at: dt.datetime) -> bool:
    if until is None:
        return True
    moment = dt.datetime.fromisoformat(until) if isinstance(until, str) else until
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)) > at


def shown(row: GoLiveState) -> dict[str, Any]:
    """Return the state as a caller reads it."""
    return {
        "go_live_enabled": row.go_live_enabled,
        "kill_switch_engaged": row.kill_switch_engaged,
        "changed_by": row.changed_by,
        "reason": row.reason,
        "updated_at": row.updated_at,
        "enforced": settings.GOVERNANCE_ENFORCED,
        "environment": settings.ENVIRONMENT,
        "epoch": epoch.current(),
    }
