"""What the tripwire's page draws: a stretch of its events, and what came of them. No read grows with the history.

Up to CLOSE events are followed one by one; a longer stretch is looked at in MOMENTS places alone.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence

from django.db import connection

from governance.models import AuditEvent
from regression import rates, rules, selectors
from regression.course import Gap, Pin, Point, course
from regression.models import RegressionGap, RegressionIncident, RegressionPolicy, RegressionState
from regression.rules import END, Event

NEWEST, CLOSE, MOMENTS, POINTS = 1_000, 5_000, 200, 300
AFTER_TRIP = 300
MARKS = 50
_TICK = dt.timedelta(microseconds=1)

# As in selectors._READ: only as rows compared with rows has the index this order on PostgreSQL.
_NEXT = {
    "postgresql": """
SELECT id, success, value FROM kpi_event
 WHERE (domain, metric, id) > (%(domain)s, %(metric)s, %(after)s)
   AND (domain, metric, id) <= (%(domain)s, %(metric)s, %(until)s)
 ORDER BY domain, metric, id LIMIT %(limit)s
""",
    "sqlite": """
SELECT id, success, value FROM kpi_event INDEXED BY kpi_newest
 WHERE domain = %(domain)s AND metric = %(metric)s AND id > %(after)s AND id <= %(until)s
 ORDER BY id LIMIT %(limit)s
""",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """What is asked for: a time to start and one to end, or an incident to look around; nothing: the newest events."""

    start: dt.datetime | None = None
    end: dt.datetime | None = None
    incident: RegressionIncident | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Trace:
    """What was found, the oldest first: points, when each was, and by event what marks it.

    ``events`` is how many were followed; 0 says that the stretch holds more than CLOSE. Each point's ``current`` is the
    mean of ``size`` events. ``current`` and ``baseline`` are the first and last event of either window as it stands.
    """

    points: Sequence[Point]
    at: Sequence[dt.datetime]
    events: int
    size: int
    trips: Sequence[RegressionIncident]
    armings: Sequence[int]
    current: tuple[int, int] | None
    baseline: tuple[int, int] | None

    def place(self, event_id: int) -> int | None:
        """Return the point at which an event is seen; None where it lies outside."""
        if not self.points or not self.points[0].id <= event_id <= self.points[-1].id:
            return None
        return next(place for place, point in enumerate(self.points) if point.id >= event_id)


def trace(policy: RegressionPolicy, state: RegressionState | None, span: Span) -> Trace:
    """Return what a tripwire saw over ``span``."""
    pin = _pin(policy)
    after, until = _bounds(span)
    shown = _shown(policy, span, after, until)
    size, count = policy.window_events, len(shown)
    if count > CLOSE:
        size, count = min(size, rates.MOST_EVENTS), 0
        points, at = _from_afar(policy, pin, after, shown[-1].id)
    else:
        points = thinned(_from_near(policy, state, pin, shown)) if shown else []
        times = selectors.events_at({point.id for point in points})
        points = [point for point in points if point.id in times]
        at = [times[point.id] for point in points]
    trips, armings = _marks(policy, points[0].id, points[-1].id, at[0]) if points else ([], [])
    current, baseline = (None, None) if state is None else _windows(policy, state)
    return Trace(points, at, count, size, trips, armings, current, baseline)


def following(domain: str, metric: str, *, after: int, until: int = END, limit: int) -> list[Event]:
    """Return the first ``limit`` events after ``after`` up to and with ``until``, the oldest first."""
    named: dict[str, str | int] = {
        "domain": domain, "metric": metric, "after": after, "until": until, "limit": limit,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_NEXT[connection.vendor], named)
        return [Event(row[0], None if row[1] is None else bool(row[1]), row[2]) for row in cursor.fetchall()]


def thinned(points: Sequence[Point]) -> list[Point]:
    """Return at most POINTS of ``points``, evenly, the last among them."""
    every = -(-len(points) // POINTS) or 1
    return list(points[::-1][::every][::-1])


def _bounds(span: Span) -> tuple[int, int]:
    """Return the ids between which the span's events lie: after the first, up to and with the second."""
    after = _newest_id(span.start - _TICK) if span.start else 0
    return after, _newest_id(span.end) if span.end else END


def _newest_id(at: dt.datetime) -> int:
    return rates.newest_ids([at])[0] or 0


def _shown(policy: RegressionPolicy, span: Span, after: int, until: int) -> list[Event]:
    """Return the events of the span, one more than CLOSE where it holds more; without bounds the newest."""
    pair = policy.domain, policy.metric
    if span.start or span.end:
        limit = CLOSE + 1 if span.start else NEWEST
        return selectors.newest(*pair, limit=limit, above=after, upto=until)[::-1]
    if span.incident is None:
        return selectors.newest(*pair, limit=NEWEST)[::-1]
    tripped = span.incident.last_event_id
    before = selectors.newest(*pair, limit=NEWEST - AFTER_TRIP, upto=tripped)[::-1]
    return [*before, *following(*pair, after=tripped, limit=AFTER_TRIP)]


def _from_near(
    policy: RegressionPolicy, state: RegressionState | None, pin: Pin | None, shown: Sequence[Event]
) -> list[Point]:
    pair, terms, before = (policy.domain, policy.metric), policy.terms(), shown[0].id - 1
    reach = terms.window_events + terms.baseline_events
    clean = selectors.effective(*pair, limit=reach, upto=before)[::-1] if pin is None else []
    left_out = RegressionGap.objects.filter(domain=pair[0], metric=pair[1], after_id__lt=shown[-1].id)
    newest = left_out.order_by("-until_id").values_list("after_id", "until_id")[: CLOSE + 1]
    gaps: list[Gap] = list(newest)[::-1]
    if state is not None and state.baseline_end_id is not None:
        gaps.append((state.baseline_end_id, END))
    return course(
        shown,
        earlier=selectors.newest(*pair, limit=terms.window_events, upto=before)[::-1],
        clean=clean,
        terms=terms,
        gaps=gaps,
        armed_after_id=state.armed_after_id if state else 0,
        pin=pin,
    )


def _from_afar(
    policy: RegressionPolicy, pin: Pin | None, after: int, last: int
) -> tuple[list[Point], list[dt.datetime]]:
    """Return how things stood at MOMENTS moments, evenly between the first event after ``after`` and ``last``."""
    first = following(policy.domain, policy.metric, after=after, limit=1)[0].id
    times = selectors.events_at({first, last})
    start, end = times[first], times[last]
    moments = [start + (end - start) * number / (MOMENTS - 1) for number in range(MOMENTS)]
    (means,) = rates.at_moments([policy], moments)
    points = [
        Point(number or 0, mean, pin.mean if pin and (number or 0) > pin.after_id else None)
        for number, mean in zip(rates.newest_ids(moments), means, strict=True)
    ]
    return points, moments


def _pin(policy: RegressionPolicy) -> Pin | None:
    """Return the pin that the tripwire tests against; None where its baseline rolls on."""
    if policy.baseline_kind == rules.ROLLING:
        return None
    pinned = selectors.pinned(policy)
    if pinned is None or pinned.completed_at is None:
        return Pin(None, END)
    return Pin(pinned.mean, pinned.last_event_id or _newest_id(pinned.completed_at))


def _marks(
    policy: RegressionPolicy, first: int, last: int, start: dt.datetime
) -> tuple[list[RegressionIncident], list[int]]:
    """Return the trips and the re-armings between two events, the newest MARKS of each."""
    named = {"domain": policy.domain, "metric": policy.metric}
    trips = RegressionIncident.objects.filter(**named, last_event_id__gte=first, last_event_id__lte=last)
    rearmed = AuditEvent.objects.filter(
        action=rules.REARM, target=str(policy), outcome=AuditEvent.Outcome.APPLIED, at__gte=start
    ).order_by("-pk")
    after = [(event.after or {}).get("armed_after_id") for event in rearmed[:MARKS]]
    return list(trips.order_by("-pk")[:MARKS]), [number for number in after if number and first <= number <= last]


def _windows(policy: RegressionPolicy, state: RegressionState) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """Return the first and the last event of the current window and of the baseline, as they stand."""
    read = selectors.windows if policy.baseline_kind == rules.ROLLING else selectors.current_alone
    seen = read(state, policy.terms())
    return _ends(seen.current), _ends(seen.baseline)


def _ends(newest_first: Sequence[Event]) -> tuple[int, int] | None:
    return (newest_first[-1].id, newest_first[0].id) if newest_first else None
