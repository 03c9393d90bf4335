"""What must hold after every step of a walk, and how it is looked at."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from typing import Any

from django.db import connection, transaction
from hypothesis.stateful import RuleBasedStateMachine, invariant

from governance.rows import selected
from riskguard.models import RiskEvent
from tests.simulation.model import GLOBAL, Fold, Model, Verdict

RESERVATIONS = """
SELECT id, engine, amount, day, status, closed_day, realized_loss, settled_day, expires_at FROM risk_reservation
"""
LEDGER = "SELECT day, engine, exposure_used, open_risk_reserved, realized_loss, actions_count FROM risk_ledger_day"
# What pg_stat_xact_user_tables adds up, which takes ten times as long to tell.
WRITTEN = """
SELECT sum(
           pg_stat_get_xact_tuples_inserted(oid) + pg_stat_get_xact_tuples_updated(oid)
           + pg_stat_get_xact_tuples_deleted(oid)
       )::int
  FROM pg_class
 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""
START = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


class Checked(RuleBasedStateMachine):
    """A walk beside its model; what it did to the database is rolled back at its end."""

    def __init__(self) -> None:
        super().__init__()
        self.block = transaction.atomic()
        # As the test's own transaction, this one is none that a durable service would refuse to run in.
        self.block._from_testcase = True  # type: ignore[attr-defined]
        self.block.__enter__()
        self.now = START
        self.model = Model(dt.timedelta(hours=3))
        self.seen_event = 0
        self.since_grant = 0
        self.by_events = Fold()
        self.looked_at = -1

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    @invariant()
    def the_reservations_are_those_of_the_model(self) -> None:
        self._look()
        rows = {pk: (*row, expires_at.replace(tzinfo=dt.UTC)) for pk, *row, expires_at in self.reservations}
        assert rows == {
            pk: (row.engine, row.amount, row.day, row.status, row.closed_day, row.loss, row.settled_day, row.expires_at)
            for pk, row in self.model.reservations.items()
        }

    @invariant()
    def every_counter_is_the_fold_over_reservations_and_over_events(self) -> None:
        self._look()
        rows = {(day, level): tuple(row) for day, level, *row in self.ledger}
        assert rows == self.model.fold().counters()
        assert rows == self.by_events.counters()
        ceiling, engines = Counter[Any](), Counter[Any]()
        for (day, level), counters in rows.items():
            for which in (0, 2, 3):
                (ceiling if level == GLOBAL else engines)[day, which] += counters[which]
        assert ceiling == engines
        newest = {level: counters[1] for (_day, level), counters in sorted(rows.items())}
        assert newest.pop(GLOBAL, 0) == sum(newest.values())

    def _look(self) -> None:
        """Read the rows as they are stored, unless the database, which counts its writes, has written none since."""
        count = written()
        if count != self.looked_at:
            self.looked_at, self.reservations, self.ledger = count, _rows(RESERVATIONS), _rows(LEDGER)

    def _was_refused(self, ruling: Any, verdict: Verdict) -> None:
        denial = ruling.denial
        assert not ruling.ok
        assert (ruling.reason, denial.policy, denial.cap) == verdict

    def _within_every_cap(self, level: str, amount: int, figures: dict[str, int | None]) -> None:
        caps = self.model.policies[level].caps
        used = {
            "max_daily_exposure": figures["exposure_used"],
            "max_open_risk": figures["open_risk_reserved"],
            "max_actions_per_day": figures["actions_count"],
            "max_amount_per_action": amount,
            "max_actions_per_minute": self.model.last_minute(level, self.now),
        }
        for cap, limit in caps.items():
            assert figures[cap] == limit
            total = used.get(cap)
            assert limit is None or total is None or total <= limit, (level, cap)

    def _events(self, *kinds: str) -> list[RiskEvent]:
        """Return the events since the last step, which are of ``kinds``, and add them to their fold."""
        events = selected(RiskEvent, "SELECT * FROM risk_event WHERE id > %s ORDER BY id", [self.seen_event])
        assert [event.kind for event in events] == list(kinds)
        for event in events:
            self.seen_event = event.pk
            # A refusal takes nothing, which the table itself holds it to.
            if event.kind != "DENY":
                self.by_events.add(event.engine, event.exposure_day, exposure=event.exposure_delta)
                self.by_events.add(
                    event.engine, event.day,
                    open_risk=event.open_risk_delta, loss=event.loss_delta, actions=event.actions_delta,
                )  # fmt: skip
        return events


def written() -> int:
    """Return how many rows were written so far: who changes nothing leaves it as it was, and a refusal is one row."""
    if connection.vendor == "sqlite":
        return connection.connection.total_changes
    return _rows(WRITTEN)[0][0]


def _rows(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Return rows as they are stored: the ORM would take most of a walk's time."""
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()
