"""Steps in order of their simulated time, and when busy people and machines would take them."""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
import random
from collections.abc import Callable, Iterator

from governance import clock

Step = Callable[[], object]
OPENS, CLOSES = dt.time(7, tzinfo=dt.UTC), dt.time(21, tzinfo=dt.UTC)
SATURDAY, WEEKEND_SHARE = 5, 0.3


class Schedule:
    """What happens from ``start`` up to ``end``, played in order of time; a step may add later ones."""

    def __init__(self, start: dt.datetime, end: dt.datetime, rng: random.Random) -> None:
        self.start, self.end, self._rng = start, end, rng
        self._steps: list[tuple[dt.datetime, int, Step]] = []
        self._number = itertools.count()

    def add(self, at: dt.datetime, step: Step) -> None:
        """Add a step; one that would come after the end never happens."""
        if at < self.end:
            heapq.heappush(self._steps, (at, next(self._number), step))

    def after(self, delay: dt.timedelta, step: Step) -> None:
        """Add a step ``delay`` after the one under way."""
        self.add(clock.now() + delay, step)

    def part(self, share: float) -> dt.datetime:
        """Return the moment at which ``share`` of the time has passed."""
        return self.start + (self.end - self.start) * share

    def moments(self, count: int) -> list[dt.datetime]:
        """Return ``count`` random moments of business hours in order, fewer of them at weekends."""
        spans = list(self._open_hours()) or [(self.start, self.end)]
        weights = [(end - start).total_seconds() * _share(start) for start, end in spans]
        chosen = self._rng.choices(spans, weights, k=count)
        return sorted(start + (end - start) * self._rng.random() for start, end in chosen)

    def play(self) -> Iterator[dt.datetime]:
        """Take step after step with the clock at its time, and yield that time."""
        while self._steps:
            at, _number, step = heapq.heappop(self._steps)
            with clock.at(at):
                step()
            yield at

    def _open_hours(self) -> Iterator[tuple[dt.datetime, dt.datetime]]:
        for number in range((self.end.date() - self.start.date()).days + 1):
            day = self.start.date() + dt.timedelta(days=number)
            start = max(self.start, dt.datetime.combine(day, OPENS))
            end = min(self.end, dt.datetime.combine(day, CLOSES))
            if start < end:
                yield start, end


def _share(day: dt.datetime) -> float:
    return WEEKEND_SHARE if day.weekday() >= SATURDAY else 1
