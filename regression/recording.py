"""Recording an event: PostgreSQL's own function where nothing but figures comes of it, else the law in Python.

``kpi_record_v1`` (sql/record_v1.sql) takes the plain case in one round trip, and leaves every other alone.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from django.db import connection, transaction

from governance import clock, origin
from governance.database import FROM_REQUEST, one_statement
from regression import policies, tripping, words
from regression.models import KpiEvent, RegressionState
from regression.rules import Event

_STATE = tuple(field.attname for field in RegressionState._meta.concrete_fields)
_CALL = f"""{FROM_REQUEST}
SELECT event_id, {", ".join(f"(state).{column}" for column in _STATE)}
  FROM kpi_record_v1(%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""  # noqa: S608 -- columns of our own


@dataclasses.dataclass(frozen=True, slots=True)
class Observation:
    """What was seen of a metric: exactly one of ``success`` and ``value``."""

    domain: str
    metric: str
    success: bool | None = None
    value: float | None = None
    correlation_id: str = ""

    def stored(self, *, at: dt.datetime, actor: str) -> KpiEvent:
        """Return the row to insert."""
        return KpiEvent(
            at=at, actor=actor, domain=self.domain, metric=self.metric, success=self.success, value=self.value,
            correlation_id=self.correlation_id,
        )  # fmt: skip

    def event(self, number: int) -> Event:
        """Return what the law sees of it, under the id ``number``."""
        return Event(number, self.success, self.value)


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    """A recorded event, and how its tripwire stands after it (None where none watches)."""

    id: int
    state: RegressionState | None


def record(seen: Observation, actor: str) -> Recorded:
    """Record one event and evaluate its tripwire, in a transaction that no caller can undo."""
    recorded = by_function(seen, actor) if connection.vendor == "postgresql" else None
    return recorded or by_law(seen, actor)


def by_function(seen: Observation, actor: str) -> Recorded | None:
    """Record an event in one round trip; None where it is the law's to do, and nothing is done."""
    asked: list[Any] = [
        origin.request_id(), seen.domain, seen.metric, seen.success, seen.value, actor, seen.correlation_id,
        words.WATCHING, words.WAITING, clock.fixed(),
    ]  # fmt: skip
    with one_statement(), connection.cursor() as cursor:
        cursor.execute(_CALL, asked)
        cursor.nextset()
        row = cursor.fetchone()
    if row is None:
        return None
    event_id, *state = row
    return Recorded(event_id, None if state[0] is None else RegressionState.from_db(connection.alias, _STATE, state))


@transaction.atomic(durable=True)
def by_law(seen: Observation, actor: str) -> Recorded:
    """Record an event, evaluate its tripwire, and pull its lever if it trips, in a transaction of its own."""
    return within(seen, actor)


def within(seen: Observation, actor: str) -> Recorded:
    """Do the same in the caller's transaction, whose locks come before the tripwire's in the written order."""
    # The event is inserted under this lock, so that ids grow in order of arrival and no window misses one.
    policy = policies.locked(seen.domain, seen.metric)
    row = seen.stored(at=clock.now(), actor=actor)
    row.save(force_insert=True)
    return Recorded(row.pk, None if policy is None else tripping.recorded(policy, [seen.event(row.pk)], actor))
