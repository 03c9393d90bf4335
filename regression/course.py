"""The course of a metric as its tripwire sees it: after each event the window's mean and that of the baseline. Pure.

For people to look at, in doubles; the rules alone decide. A re-arming starts the window anew, and no baseline holds
what a gap leaves out; while a tripwire is triggered, its baseline is that of the trip.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from regression.rules import Event, Terms, number

Gap = tuple[int, int]  # after the first event's id up to and with the second


class Point(NamedTuple):
    """How things stood after the event ``id``; None where too few events tell."""

    id: int
    current: float | None
    baseline: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Pin:
    """A pinned baseline: its mean, and the last event before it was complete; of one that is not, no mean."""

    mean: float | None
    after_id: int


class Means:
    """The means of any stretch of some events."""

    def __init__(self, events: Sequence[Event]) -> None:
        """Sum them up, the oldest first."""
        self.ids = [event.id for event in events]
        self._sums = list(accumulate((float(number(event)) for event in events), initial=0.0))

    def of(self, start: int, end: int, least: int) -> float | None:
        """Return the mean from the place ``start`` up to ``end``, None where it is of fewer than ``least``."""
        start = max(0, start)
        return (self._sums[end] - self._sums[start]) / (end - start) if end - start >= max(1, least) else None


def course(
    shown: Sequence[Event],
    *,
    earlier: Sequence[Event],
    clean: Sequence[Event],
    terms: Terms,
    gaps: Sequence[Gap],
    armed_after_id: int = 0,
    pin: Pin | None = None,
) -> list[Point]:
    """Return a point for each event of ``shown``, the oldest first, as are the others.

    ``earlier`` are the events just before, as many as a window holds, and ``clean`` those outside of every gap, as many
    as both windows hold. ``gaps`` come in their order; that of a trip which still stands is open at its end.
    """
    every = Means([*earlier, *shown])
    outside = Means([*clean, *(event for event in shown if not _gap_of(event.id, gaps))])
    armings = sorted({0, armed_after_id, *(until for _after, until in gaps)})
    points = []
    for place, event in enumerate(shown, len(earlier) + 1):
        since = armings[bisect_left(armings, event.id) - 1]
        start = max(place - terms.window_events, bisect_right(every.ids, since))
        current = every.of(start, place, terms.min_events_to_enforce)
        if pin is not None:
            points.append(Point(event.id, current, pin.mean if event.id > pin.after_id else None))
            continue
        gap = _gap_of(event.id, gaps)
        count = bisect_right(outside.ids, gap[0] if gap else event.id)
        size = 0 if gap else min(terms.window_events, count - bisect_right(outside.ids, since))
        end = count - min(size, max(0, count - terms.baseline_events))
        points.append(
            Point(event.id, current, outside.of(end - terms.baseline_events, end, terms.min_events_to_enforce))
        )
    return points


def _gap_of(event_id: int, gaps: Sequence[Gap]) -> Gap | None:
    place = bisect_left(gaps, event_id, key=lambda gap: gap[1])
    return gaps[place] if place < len(gaps) and gaps[place][0] < event_id else None
