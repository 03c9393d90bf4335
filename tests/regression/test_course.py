"""What the page draws is what the tripwire saw: held against the states that recording itself has shown."""

from __future__ import annotations

import random

import pytest

from regression import tracing
from regression.course import Pin, course
from regression.models import RegressionPolicy, RegressionState
from regression.rules import Event
from regression.tracing import Span, Trace
from tests.regression.factories import PAIR, PolicyFactory, rearm, record


def traced(span: Span | None = None) -> Trace:
    policy = RegressionPolicy.objects.get(**PAIR)
    return tracing.trace(policy, RegressionState.objects.filter(**PAIR).first(), span or Span())


@pytest.mark.sqlite  # both databases record alike (test_recording.py)
@pytest.mark.django_db
def test_a_point_is_what_the_tripwire_saw_after_its_event() -> None:
    PolicyFactory(window_events=10, baseline_events=20, min_events_to_enforce=6, max_drop_fraction="0.3")
    order = random.Random(0)
    seen: dict[int, tuple[float | None, float | None]] = {}
    for number in range(220):
        bad = 60 <= number < 80 or 130 <= number < 150
        (recorded,) = record([order.random() < (0.3 if bad else 0.9)])
        assert recorded.state is not None
        state = recorded.state
        if state.current_count == 10 and state.baseline_count == 20:
            seen[recorded.id] = (state.current, state.baseline)
        if state.triggered and number in {90, 160}:
            rearm()
    trace = traced()
    # On the way to a trip the page draws the baseline of the trip, which was not known yet.
    on_the_way = {number for trip in trace.trips for number in range(trip.first_event_id, trip.last_event_id)}
    assert len(trace.points) == 220
    assert len(trace.armings) == 2
    assert len(trace.trips) >= 2
    compared = [point for point in trace.points if point.id in seen and point.id not in on_the_way]
    assert len(compared) > 60
    for point in compared:
        assert (point.current, point.baseline) == pytest.approx(seen[point.id]), point.id


def _events(text: str) -> list[Event]:
    return [Event(number, letter == "S", None) for number, letter in enumerate(text, 1)]


TERMS = PolicyFactory.build().terms()


def test_while_it_is_triggered_its_baseline_stays_and_after_a_re_arming_the_window_starts_anew() -> None:
    events = _events("SSSSSSSSFFFFFFFFSSSSSS")
    points = course(events, earlier=[], clean=[], terms=TERMS, gaps=[(8, 16)])
    assert [point.baseline for point in points[7:]] == [1.0] * 15
    assert [point.current for point in points[11:16]] == [0.0] * 5
    assert [point.current for point in points[16:20]] == [None, None, None, 1.0]


def test_a_pinned_baseline_is_there_from_its_completion_on() -> None:
    points = course(_events("SSSSSS"), earlier=[], clean=[], terms=TERMS, gaps=[], pin=Pin(0.9, 4))
    assert [point.baseline for point in points] == [None] * 4 + [0.9] * 2


def test_what_came_before_is_in_the_windows() -> None:
    every = _events("SSSSSSSSSSSS")
    shown = course(every[8:], earlier=every[4:8], clean=every[:8], terms=TERMS, gaps=[])
    assert [(point.current, point.baseline) for point in shown] == [(1.0, 1.0)] * 4
