"""Reads of the switches."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from golive import rules
from golive.models import GoLiveState
from governance import ending, epoch
from governance.database import opening_read
from governance.errors import Unavailable
from governance.models import EVERYTHING

MISSING = "The go-live state's row is missing: run `python manage.py seed_governance`."


class Standing(NamedTuple):
    """A hold as the gate needs it; the switches' own count only where enforcement is on."""

    scope: str
    code: str
    reason: str
    enforced_only: bool


class Reading(NamedTuple):
    """What the gate reads, once a request: the switches, the epoch, and what holds now."""

    go_live_enabled: bool
    kill_switch_engaged: bool
    epoch: int
    holds: tuple[Standing, ...]

    def levers(self) -> list[Standing]:
        """Return the holds that count whether or not enforcement is on: all but the switches' own."""
        return [hold for hold in self.holds if not hold.enforced_only]

    def over(self, engines: Collection[str] = ()) -> Standing | None:
        """Return the first hold over everything or one of ``engines``, the switches' own left out."""
        return next((hold for hold in self.levers() if hold.scope in {EVERYTHING, *engines}), None)

    def why(self, code: str) -> str:
        """Return the reason that was given for the switch whose hold is called ``code``; empty where none was."""
        return next((hold.reason for hold in self.holds if hold.code == code), "")


# One statement, so that switches, epoch and holds are of one moment and cost one round trip.
_READING = """
SELECT state.go_live_enabled, state.kill_switch_engaged, epoch.value,
       held.scope, held.code, held.reason, held.enforced_only, held.starts_at, held.until
  FROM go_live_state AS state
  JOIN governance_epoch AS epoch ON epoch.id = 1
  LEFT JOIN hold AS held ON 1 = 1
 WHERE state.id = 1
 ORDER BY held.rank, held.since, held.id
"""


def state() -> GoLiveState:
    """Return the switches as they stand: what was enabled until a time is not any more, though nobody has written it.

    Unavailable where their row is missing.
    """
    row = GoLiveState.objects.filter(pk=1).first()
    if row is None:
        raise Unavailable(MISSING)
    if row.has_ended():
        row.reason, row.changed_by = ending.over(row.until), ending.ACTOR
        row.take(row.gone_back())
    return row


def reading(at: dt.datetime) -> Reading:
    """Return what the gate decides by, in one query; Unavailable where a row is missing.

    ``at`` (aware, UTC) tells which holds have ended.
    """
    rows = opening_read(_rows)
    if not rows:
        raise Unavailable(MISSING)
    enabled, killed, number = rows[0][:3]
    holds = tuple(Standing(*row[3:7]) for row in rows if row[3] is not None and _stands(row[7], row[8], at))
    # A hold of what was enabled for a time begins by itself, before the row says so.
    ended = any(hold.code == rules.GO_LIVE_DISABLED for hold in holds)
    return Reading(bool(enabled) and not ended, bool(killed), number, holds)


def _rows() -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(_READING)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
    return rows


def _stands(starts_at: dt.datetime | str | None, until: dt.datetime | str | None, at: dt.datetime) -> bool:
    return (starts_at is None or _moment(starts_at) <= at) and (until is None or _moment(until) > at)


def _moment(read: dt.datetime | str) -> dt.datetime:
    """Return a time as a database gives it to a plain statement."""
    moment = dt.datetime.fromisoformat(read) if isinstance(read, str) else read
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


def shown(row: GoLiveState) -> dict[str, Any]:
    """Return the state as a caller reads it."""
    return {
        "go_live_enabled": row.go_live_enabled,
        "kill_switch_engaged": row.kill_switch_engaged,
        "changed_by": row.changed_by,
        "reason": row.reason,
        "updated_at": row.updated_at,
        "until": row.until,
        "enforced": settings.GOVERNANCE_ENFORCED,
        "environment": settings.ENVIRONMENT,
        "epoch": epoch.current(),
    }
