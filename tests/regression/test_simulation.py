"""What the detectors promise, on seeded streams; the larger run of the same is ``make statistics``.

No database is in them, so one of the two runs is enough.
"""

from __future__ import annotations

import copy
import functools
from decimal import Decimal

import numpy as np
import pytest

from regression import replay, simulation
from regression.rules import KILL_SWITCH, THROTTLE, Event, Terms
from regression.sequential import Settings
from regression.simulation import Rate, SequentialStreams, Streams, Values, WindowStreams
from regression.units import Scale

pytestmark = [pytest.mark.sqlite, pytest.mark.no_cover]

RATES = (0.95, 0.8, 0.5)
WINDOW = Terms(50, 200, 50, Decimal("0.2"), enabled=True)
THROTTLED = Settings(THROTTLE, 1_000, Scale(), 0.025, 20_000, 0.01, 1e-6)
KILLED = Settings(KILL_SWITCH, 1_000, Scale(), 0.04, 20_000, 0.01, 1e-6)


def _history(stream: np.ndarray) -> list[Event]:
    return [Event(number, bool(success), None) for number, success in enumerate(stream, 1)]


@pytest.mark.parametrize("floor", ["0.2", "0.05"])
def test_windows_in_arrays_trip_as_the_rules_do(floor: str) -> None:
    terms = Terms(20, 60, 15, Decimal(floor), enabled=True)
    stream = (np.random.default_rng(1).random((15, 600)) < 0.8).astype(float)
    armed = WindowStreams(terms, stream[:, :60])
    alarms = np.array([armed.step(units) for units in stream[:, 60:].T]).T
    assert alarms.sum() > 15
    for row, found in zip(stream, alarms, strict=True):
        trips = replay.on_windows(_history(row), terms).trips
        assert [trip.event for trip in trips] == [61 + place for place in np.flatnonzero(found)]


@pytest.mark.parametrize("action", [THROTTLE, KILL_SWITCH])
@pytest.mark.parametrize("block", [1, 5])
def test_sequences_in_arrays_trip_as_the_rules_do(action: str, block: int) -> None:
    settings = Settings(action, 200, Scale(block_events=block), 0.2, 50, 0.5, 0.05)
    rates = np.where(np.arange(1_000) < 600, 0.8, 0.4)
    stream = (np.random.default_rng(1).random((6, 1_000)) < rates).astype(float)
    units = stream.reshape(6, -1, block).mean(axis=2)
    armed = SequentialStreams(settings, simulation.bounds_of(settings, units[:, : 200 // block]))
    alarms = np.array([armed.step(row) for row in units[:, 200 // block :].T]).T
    assert alarms.sum() > 5
    for row, found in zip(stream, alarms, strict=True):
        (outcome,) = replay.replay(_history(row), [settings], seed=1, trials=0)
        trips = outcome.trips
        assert [trip.event for trip in trips] == [200 + block * (1 + place) for place in np.flatnonzero(found)]


def _false_alarms(settings: Settings, *, trials: int, events: int, seed: int) -> list[float]:
    """Return at each of the rates which share of as many streams ever trips."""
    rng = np.random.default_rng(seed)
    pinned = [simulation.bounds(settings, Rate(rate), rng, trials) for rate in RATES]
    bounds, means = (np.concatenate(part) for part in zip(*pinned, strict=True))
    return _ever(SequentialStreams(settings, (bounds, means)), rng, trials=trials, events=events)


def _ever(armed: Streams, rng: np.random.Generator, *, trials: int, events: int) -> list[float]:
    """Return which share of the streams at each of the rates ever trips, all of them stepped together."""
    each = np.repeat(RATES, trials)
    ever = np.zeros(len(each), dtype=bool)
    for _event in range(events):
        ever |= armed.step((rng.random(len(each)) < each).astype(float))
    return [float(share) for share in ever.reshape(len(RATES), trials).mean(axis=1)]


def test_a_throttle_trips_falsely_in_five_thousand_events_at_most_six_times_in_a_hundred() -> None:
    # 500 trials at each of the rates 0.95, 0.8 and 0.5.
    assert max(_false_alarms(THROTTLED, trials=500, events=5_000, seed=3)) <= 0.06


def test_a_kill_switch_ever_trips_falsely_at_most_once_in_twenty() -> None:
    # 100 trials at each of the rates 0.95, 0.8 and 0.5, over 10,000 events: what it bets over 40,000 more is a 25th.
    assert max(_false_alarms(KILLED, trials=100, events=10_000, seed=5)) <= 0.05


@pytest.mark.parametrize(
    ("rate", "drop", "promised"),
    [
        (0.95, 0.2, 41), (0.95, 0.3, 22), (0.95, 0.5, 11),
        (0.8, 0.2, 116), (0.8, 0.3, 56), (0.8, 0.5, 24),
        (0.5, 0.2, 426), (0.5, 0.3, 175), (0.5, 0.5, 65),
    ],
)  # fmt: skip
def test_a_throttle_sees_a_drop_in_time(rate: float, drop: float, promised: int) -> None:
    # 1,000 trials each; the drop begins 1,000 events after arming.
    armed, rng = copy.deepcopy(_watching(rate))
    delays = simulation.delays_after(armed, Rate(rate), rng, trials=1_000, drop=drop, horizon=5_000)
    assert np.median(delays) <= 1.1 * promised


@functools.cache
def _watching(rate: float) -> tuple[Streams, np.random.Generator]:
    """Return 1,000 streams that have been watched for 1,000 events, and what draws the events that follow."""
    rng, metric = np.random.default_rng(4), Rate(rate)
    armed = simulation.streams(THROTTLED, metric, rng, 1_000)
    simulation.run(armed, metric, rng, trials=1_000, events=1_000)
    return armed, rng


def test_the_window_rule_trips_by_chance() -> None:
    # 200 trials at each of the rates 0.95, 0.8 and 0.5.
    rng = np.random.default_rng(6)
    armed = WindowStreams(WINDOW, np.vstack([Rate(rate).draw(rng, (200, WINDOW.baseline_events)) for rate in RATES]))
    seldom, mostly, always = _ever(armed, rng, trials=200, events=5_000)
    assert seldom <= 0.02
    assert mostly >= 0.95
    assert always == 1


def test_values_keep_the_promise_too() -> None:
    metric = Values(np.random.default_rng(7).beta(4, 1, 2_000))
    found = simulation.forecast(THROTTLED, metric, seed=8, trials=300)
    assert found.false_alarm_probability <= 0.06
    assert found.median_delays[0.5] is not None
    assert found.median_delays[0.5] < 60


def test_a_forecast_is_the_same_for_the_same_seed_and_tells_of_its_progress() -> None:
    told: list[float] = []
    asked = {"seed": 9, "trials": 50, "events": 300, "before": 100, "horizon": 200}
    one = simulation.forecast(THROTTLED, Rate(0.9), **asked, progress=told.append)
    assert one == simulation.forecast(THROTTLED, Rate(0.9), **asked)
    assert one != simulation.forecast(THROTTLED, Rate(0.9), **{**asked, "seed": 10})
    assert told == sorted(told)
    assert told[-1] == 1


def test_a_delay_beyond_the_horizon_is_not_a_number() -> None:
    found = simulation.forecast(THROTTLED, Rate(0.5), seed=9, trials=50, events=100, before=100, horizon=50)
    assert (found.median_delays[0.1], found.median_delays[0.2]) == (None, None)


def test_a_floor_above_the_drop_silences_it_without_a_warning() -> None:
    floored = Settings(THROTTLE, 1_000, Scale(), 0.025, 20_000, 0.01, 0.9)
    rng = np.random.default_rng(1)
    armed = simulation.streams(floored, Rate(0.9), rng, 20)
    assert np.isinf(simulation.delays_after(armed, Rate(0.9), rng, trials=20, drop=0.5, horizon=6_000)).all()
