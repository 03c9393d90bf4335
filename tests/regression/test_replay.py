from __future__ import annotations

import random
from decimal import Decimal

import pytest

from regression import replay, rules
from regression.rules import THROTTLE, Event, Terms, Windows
from regression.sequential import Settings
from regression.units import Scale

pytestmark = pytest.mark.sqlite  # no database is in it

WINDOW = Terms(20, 60, 15, Decimal("0.3"), enabled=True)
SEQUENTIAL = Settings(THROTTLE, 200, Scale(), 0.025, 2_000, 0.01, 0.1)
BRIEF = {"events": 100, "before": 10, "horizon": 100}  # of a forecast: what it says is test_simulation's


def _history(*stretches: tuple[int, float], seed: int = 1) -> list[Event]:
    order = random.Random(seed)
    outcomes = [order.random() < rate for events, rate in stretches for _event in range(events)]
    return [Event(7 * number, success, None) for number, success in enumerate(outcomes, 1)]


def _by_the_rules(history: list[Event], terms: Terms) -> list[int]:
    """Return the events that trip, re-armed at once, by the rules on lists: what the tripwire reads and forgets."""
    kept: list[Event] = []
    armed_after, trips = 0, []
    for event in history:
        kept.append(event)
        newest = kept[::-1][: terms.window_events + terms.baseline_events]
        seen: Windows = rules.windows(newest, terms, armed_after)
        if rules.judge(seen, terms, triggered=False).trips:
            trips.append(event.id)
            armed_after = event.id
            del kept[len(kept) - len(seen.current) :]
    return trips


@pytest.mark.parametrize("seed", range(5))
def test_a_replay_on_windows_trips_where_the_tripwire_would_have(seed: int) -> None:
    history = _history((300, 0.8), (100, 0.5), (200, 0.8), seed=seed)
    trips = replay.on_windows(history, WINDOW).trips
    assert trips
    assert [trip.event for trip in trips] == _by_the_rules(history, WINDOW)


def test_both_detectors_see_a_drop_and_say_where_it_began() -> None:
    history = _history((1_000, 0.9), (300, 0.4))
    window, sequence = replay.replay(history, [WINDOW, SEQUENTIAL], seed=1, trials=5, **BRIEF)
    for outcome in (window, sequence):
        first = next(trip for trip in outcome.trips if trip.event > 1_000)
        assert first.event < 1_060
        assert 960 <= first.onset <= first.event
        assert first.drop > 0.3
        assert outcome.forecast is not None
    assert sequence.baseline == pytest.approx(0.9, abs=0.06)
    assert sequence.bound is not None
    assert sequence.bound < sequence.baseline


def test_events_are_numbered_by_their_place_in_the_history() -> None:
    (outcome,) = replay.replay(_history((300, 1.0), (100, 0.0)), [SEQUENTIAL], seed=1, trials=0)
    assert outcome.trips[0].event == 303
    assert outcome.trips[0].onset == 301


def test_too_short_a_history_has_no_baseline_and_no_forecast() -> None:
    for outcome in replay.replay(_history((59, 0.9)), [WINDOW, SEQUENTIAL], seed=1, trials=10):
        assert (outcome.baseline, outcome.trips, outcome.forecast) == (None, [], None)


def test_a_baseline_without_a_success_cannot_be_armed() -> None:
    (outcome,) = replay.replay(_history((500, 0.0)), [SEQUENTIAL], seed=1, trials=10)
    assert (outcome.baseline, outcome.bound, outcome.trips, outcome.forecast) == (0, 0, [], None)


def test_values_are_replayed_by_their_bounds() -> None:
    history = [Event(number, None, 150.0 + number % 7) for number in range(1, 301)]
    history += [Event(number, None, 110.0) for number in range(301, 401)]
    scaled = Settings(THROTTLE, 200, Scale(100, 200), 0.025, 2_000, 0.01, 0.1)
    (outcome,) = replay.replay(history, [scaled], seed=1, trials=0)
    assert outcome.baseline == pytest.approx(153, abs=0.1)
    assert outcome.trips[0].onset in range(295, 305)


def test_progress_grows_to_the_whole() -> None:
    told: list[float] = []
    replay.replay(_history((400, 0.9)), [WINDOW, SEQUENTIAL], seed=1, trials=1, progress=told.append, **BRIEF)
    assert told == sorted(told)
    assert told[-1] == 1
