"""The ledger, computed anew from the reservations and from the events, and held against what is recorded."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from django.db.models import Count, Q, Sum

from riskguard.models import RiskEvent, RiskLedgerDay, RiskReservation
from riskguard.rules import GLOBAL

COUNTERS = ("exposure_used", "open_risk_reserved", "realized_loss", "actions_count")
Key = tuple[dt.date, str]
Status = RiskReservation.Status


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """A counter that does not agree with what it should be, by reservations or by events."""

    day: dt.date
    engine: str
    counter: str
    recorded: int
    computed: int
    source: str

    def __str__(self) -> str:
        """Return the difference in one line."""
        return (
            f"{self.day} {self.engine} {self.counter}: the ledger says {self.recorded}, "
            f"the {self.source} say {self.computed}"
        )


class _Fold:
    """Counters by day and engine, with GLOBAL as the sum of all; open risk runs on from day to day."""

    def __init__(self) -> None:
        self._daily: dict[str, dict[Key, int]] = {name: defaultdict(int) for name in COUNTERS}

    def add(self, counter: str, day: dt.date, engine: str, figure: int | None) -> None:
        """Add ``figure`` to a counter of the engine and of GLOBAL."""
        for name in (engine, GLOBAL):
            self._daily[counter][day, name] += figure or 0

    def keys(self) -> set[Key]:
        """Return the days and engines of which anything is told."""
        return {key for daily in self._daily.values() for key in daily}

    def of(self, counter: str, key: Key) -> int:
        """Return the counter of a day and engine."""
        return self._daily[counter][key]

    def run_on(self) -> None:
        """Turn the daily changes of open risk into what was open at the end of each day."""
        changes = self._daily["open_risk_reserved"]
        running: dict[str, int] = defaultdict(int)
        for day, engine in sorted(changes):
            running[engine] += changes[day, engine]
            changes[day, engine] = running[engine]


def differences() -> Iterator[Difference]:
    """Yield every counter that the reservations, or the events, do not bear out; days without a row count as zero."""
    rows = {(row.day, row.engine): row for row in RiskLedgerDay.objects.order_by("day", "engine")}
    for source, fold in (("reservations", _by_reservations(rows)), ("events", _by_events(rows))):
        for day, engine in sorted(rows.keys() | fold.keys()):
            for counter in COUNTERS:
                recorded = getattr(rows.get((day, engine)), counter, 0)
                computed = fold.of(counter, (day, engine))
                if recorded != computed:
                    yield Difference(day, engine, counter, recorded, computed, source)


def _opening(rows: Iterable[Key], fold: _Fold) -> None:
    """Give every row a place in the fold, so that a day on which nothing opened or closed still runs on."""
    for day, engine in rows:
        fold.add("open_risk_reserved", day, engine, 0)


def _by_reservations(rows: Iterable[Key]) -> _Fold:
    fold = _Fold()
    group: Any  # each sum has a shape of its own
    _opening(rows, fold)
    kept = ~Q(status=Status.RELEASED)
    held = RiskReservation.objects.order_by()
    granted = held.values("day", "engine").annotate(
        kept=Sum("amount", filter=kept), taken=Sum("amount"), times=Count("pk")
    )
    for group in granted:
        day, engine = group["day"], group["engine"]
        fold.add("exposure_used", day, engine, group["kept"])
        fold.add("open_risk_reserved", day, engine, group["taken"])
        fold.add("actions_count", day, engine, group["times"])
    closed = held.filter(closed_day__isnull=False).values("closed_day", "engine").annotate(freed=Sum("amount"))
    for group in closed:
        fold.add("open_risk_reserved", group["closed_day"], group["engine"], -group["freed"])
    settled = held.filter(settled_day__isnull=False).values("settled_day", "engine").annotate(lost=Sum("realized_loss"))
    for group in settled:
        fold.add("realized_loss", group["settled_day"], group["engine"], group["lost"])
    fold.run_on()
    return fold


def _by_events(rows: Iterable[Key]) -> _Fold:
    fold = _Fold()
    group: Any  # each sum has a shape of its own
    _opening(rows, fold)
    events = RiskEvent.objects.order_by()
    for group in events.values("exposure_day", "engine").annotate(change=Sum("exposure_delta")):
        fold.add("exposure_used", group["exposure_day"], group["engine"], group["change"])
    sums = {"open": Sum("open_risk_delta"), "lost": Sum("loss_delta"), "times": Sum("actions_delta")}
    for group in events.exclude(kind=RiskEvent.Kind.DENY).values("day", "engine").annotate(**sums):
        fold.add("open_risk_reserved", group["day"], group["engine"], group["open"])
        fold.add("realized_loss", group["day"], group["engine"], group["lost"])
        fold.add("actions_count", group["day"], group["engine"], group["times"])
    fold.run_on()
    return fold
