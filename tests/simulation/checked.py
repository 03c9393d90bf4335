"""What must hold after every step of a walk, and how it is looked at."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from typing import Any

from django.db import transaction
from hypothesis.stateful import RuleBasedStateMachine, invariant

from riskguard.models import RiskEvent, RiskLedgerDay, RiskReservation
from tests.simulation.model import GLOBAL, Model, Verdict

COUNTERS = ("exposure_used", "open_risk_reserved", "realized_loss", "actions_count")
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
        self.by_events: dict[str, Counter[tuple[dt.date, str]]] = defaultdict(Counter)

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.block.__exit__(None, None, None)

    @invariant()
    def the_reservations_are_those_of_the_model(self) -> None:
        fields = ("pk", "engine", "amount", "day", "status", "closed_day", "realized_loss", "settled_day", "expires_at")
        rows = {row[0]: row[1:] for row in RiskReservation.objects.values_list(*fields)}
        assert rows == {
            pk: (row.engine, row.amount, row.day, row.status, row.closed_day, row.loss, row.settled_day, row.expires_at)
            for pk, row in self.model.reservations.items()
        }

    @invariant()
    def every_counter_is_the_fold_over_reservations_and_over_events(self) -> None:
        rows = list(RiskLedgerDay.objects.order_by("day").values_list("day", "engine", *COUNTERS))
        of_day: dict[dt.date, dict[str, tuple[int, ...]]] = defaultdict(dict)
        newest: dict[str, int] = {}
        for day, level, *counters in rows:
            assert tuple(counters) == self.model.counters(level, day), (day, level)
            assert tuple(counters) == self._told_by_events(level, day), (day, level)
            of_day[day][level] = tuple(counters)
            newest[level] = counters[1]
        for day, levels in of_day.items():
            engines = [counters for level, counters in levels.items() if level != GLOBAL]
            for which in (0, 2, 3):
                assert levels[GLOBAL][which] == sum(counters[which] for counters in engines), day
        assert newest.pop(GLOBAL, 0) == sum(newest.values())
        days = {(row.day, level) for row in self.model.reservations.values() for level in (GLOBAL, row.engine)}
        days |= {(row.settled_day, row.engine) for row in self.model.reservations.values() if row.settled_day}
        assert days <= {(day, level) for day, level, *_counters in rows}

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
        events = list(RiskEvent.objects.filter(pk__gt=self.seen_event).order_by("pk"))
        assert [event.kind for event in events] == list(kinds)
        for event in events:
            self.seen_event = event.pk
            for level in (GLOBAL, event.engine):
                self.by_events["exposure_used"][event.exposure_day, level] += event.exposure_delta
                self.by_events["open_risk_reserved"][event.day, level] += event.open_risk_delta
                self.by_events["realized_loss"][event.day, level] += event.loss_delta
                self.by_events["actions_count"][event.day, level] += event.actions_delta
        return events

    def _told_by_events(self, level: str, day: dt.date) -> tuple[int, int, int, int]:
        opened = self.by_events["open_risk_reserved"].items()
        return (
            self.by_events["exposure_used"][day, level],
            sum(change for (when, name), change in opened if name == level and when <= day),
            self.by_events["realized_loss"][day, level],
            self.by_events["actions_count"][day, level],
        )
