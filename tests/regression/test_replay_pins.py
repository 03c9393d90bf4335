"""A replay against the pins that were in force, beside the incidents that the service really opened."""

from __future__ import annotations

import dataclasses
import random
from decimal import Decimal

import pytest
from django.conf import LazySettings

from regression import comparing, histories, previewing, replay, rules, services, simulation
from regression.baselines import Pinned, PinnedTerms
from regression.models import RegressionBaseline, RegressionIncident, RegressionPolicy
from regression.recording import Observation
from regression.rules import Event, Terms
from regression.sequential import Settings
from regression.simulation import Rate
from regression.units import Scale
from tests.regression.factories import DOMAIN, METRIC, PAIR, PolicyFactory, arm, evaluate, rearm

TERMS = Terms(20, 60, 15, Decimal("0.3"), enabled=True)
PIN = Settings("THROTTLE", 100, Scale(), 0.025, 2_000, 0.01, 0.1)


def came(rate: float, events: int, order: random.Random, *, values: bool = False) -> None:
    """Record events at a rate, at once; each trip in SHADOW is re-armed at once, as one by one would be."""
    shares = [order.random() for _event in range(events)]
    seen = [
        Observation(**PAIR, value=round(100 * (rate + share / 10), 2))
        if values
        else Observation(**PAIR, success=share < rate)
        for share in shares
    ]
    services.record_kpis(observations=seen, actor="bot")


def pin() -> None:
    services.pin_baseline(**PAIR, actor="jo", reason="the Friday reset")


def really() -> list[tuple[int, int | None, float]]:
    """Return the event that triggered, the onset and the drop of each incident."""
    found = RegressionIncident.objects.order_by("pk")
    return list(found.values_list("last_event_id", "onset_event_id", "drop_fraction"))


def replayed(**patch: object) -> list[tuple[int, int, float]]:
    """Return the same of a replay of all that is recorded, by the policy as it stands."""
    policy = RegressionPolicy.objects.get(**PAIR)
    history = histories.recorded(DOMAIN, METRIC, limit=10_000)
    settings = comparing.variants(policy, detectors=[policy.detector], drops=[policy.max_drop_fraction], patch=patch)
    (tried,) = comparing.compare(history, settings, seed=1, trials=0)
    ids = [0, *(event.id for event in history.events)]
    return [(ids[trip.event], ids[trip.onset], trip.drop) for trip in tried.outcome.trips]


@pytest.mark.django_db
@pytest.mark.parametrize("detector", ["WINDOW", "SEQUENTIAL"])
# The same rows are read of either database, which of them in successes and which in values.
@pytest.mark.parametrize(
    ("values", "block"),
    [pytest.param(False, 1, marks=pytest.mark.postgresql), pytest.param(True, 2, marks=pytest.mark.sqlite)],
)
def test_what_was_recorded_trips_where_the_service_did_against_the_pin_in_force(
    detector: str, values: bool, block: int
) -> None:
    PolicyFactory(
        window_events=20, baseline_events=60, min_events_to_enforce=15, max_drop_fraction="0.15", mode="SHADOW",
        detector=detector, baseline_kind="PINNED", baseline_size=100 * block, run_length=100, enabled=False,
        block_events=block, value_high=100 if values else 1,
    )  # fmt: skip
    order = random.Random(4)

    def events(rate: float, count: int) -> None:
        came(rate, count * block, order, values=values)

    pin()
    events(0.85, 100)
    arm()
    events(0.85, 120)
    events(0.5, 90)
    pin()  # from the next hundred clean events: until they are here the former one goes on
    events(0.5, 60)
    pin()  # replaces it
    events(0.55, 130)
    events(0.3, 80)
    pin()
    events(0.0, 110)  # unfit: the former one goes on
    events(0.6, 30)
    events(0.1, 60)
    pins = RegressionBaseline.objects.order_by("number")
    assert list(pins.values_list("status", flat=True)) == ["REPLACED", "REPLACED", "PINNED", "UNFIT"]
    found = really()
    first, second = pins[0], pins[2]
    assert first.last_event_id is not None
    assert second.last_event_id is not None
    assert any(first.last_event_id < trip < second.last_event_id for trip, _onset, _drop in found)
    assert any(trip > second.last_event_id for trip, _onset, _drop in found)
    told = replayed()
    assert [trip[:2] for trip in told] == [trip[:2] for trip in found]
    assert [trip[2] for trip in told] == pytest.approx([trip[2] for trip in found])
    if detector == "WINDOW":
        assert replayed(baseline_kind="ROLLING") != told


@pytest.mark.sqlite
@pytest.mark.django_db
def test_a_trip_that_is_re_armed_before_the_next_event_comes_to_the_same(settings: LazySettings) -> None:
    settings.REARM_WAIT_MINUTES = 0
    PolicyFactory(baseline_kind="PINNED", baseline_size=100, enabled=False)
    order = random.Random(7)
    pin()
    came(0.9, 100, order)
    arm()
    for number in range(60):
        services.record_kpi(**PAIR, success=order.random() < (0.9 if number < 20 else 0.5), actor="bot")
        if number == 10:
            pin()  # a trip pauses it, and its events are not taken
        if evaluate().triggered:
            rearm()
    found = really()
    assert len(found) > 2
    assert replayed() == found
    policy = RegressionPolicy.objects.get(**PAIR)
    shown = previewing.preview(policy, [policy], seconds=0)
    ids = [0, *(event.id for event in shown.history.events)]
    assert [ids[trip.event] for trip in shown.tried[0].outcome.trips] == [trip for trip, _onset, _drop in found]


@pytest.mark.django_db
def test_a_pin_of_before_its_last_event_was_kept_is_placed_by_its_time() -> None:
    PolicyFactory(baseline_kind="PINNED", baseline_size=100, enabled=False)
    pin()
    came(0.9, 100, random.Random(1))
    before = histories.recorded(DOMAIN, METRIC, limit=1_000).pins
    RegressionBaseline.objects.update(progress={})
    came(0.9, 10, random.Random(1))
    assert list(histories.recorded(DOMAIN, METRIC, limit=1_000).pins) == list(before)
    upto = before[0].after_id
    assert len(histories.recorded(DOMAIN, METRIC, limit=10, upto=upto).pins) == 1
    assert not histories.recorded(DOMAIN, METRIC, limit=10, upto=upto - 1).pins


# Pure


def history(*stretches: tuple[int, bool]) -> list[Event]:
    outcomes = [success for events, success in stretches for _event in range(events)]
    return [Event(10 * number, success, None) for number, success in enumerate(outcomes, 1)]


@pytest.mark.sqlite
class TestReplay:
    def test_without_a_pin_the_first_events_are_taken_for_one(self) -> None:
        (outcome,) = replay.replay(history((100, True), (20, False)), [PinnedTerms(TERMS, PIN)], seed=1, trials=5)
        assert outcome.baseline == 1
        assert [trip.event for trip in outcome.trips] == [115]
        assert outcome.forecast is not None
        short = replay.replay(history((99, True)), [PinnedTerms(TERMS, PIN)], seed=1, trials=5)[0]
        assert (short.baseline, short.forecast) == (None, None)

    def test_a_pin_that_nothing_can_drop_from_cannot_be_armed(self) -> None:
        (outcome,) = replay.replay(history((200, False)), [PinnedTerms(TERMS, PIN)], seed=1, trials=5)
        assert (outcome.bound, outcome.trips, outcome.forecast) == (0, [], None)

    def test_before_the_first_pin_nothing_is_watched_and_an_older_one_is_in_force_from_the_start(self) -> None:
        seen = history((40, False), (40, True), (40, False))
        at = Pinned(800, 100, 1.0, 0.97, 0.0, Scale())
        for pinned, trips in ((at, [95, 110]), (dataclasses.replace(at, after_id=3), [15, 30, 86, 101, 116])):
            (outcome,) = replay.replay(seen, [PinnedTerms(TERMS, PIN)], seed=1, trials=0, pins=[pinned])
            assert [trip.event for trip in outcome.trips if trip.event < 40 or trip.event > 80] == trips


@pytest.mark.sqlite
def test_the_forecast_of_a_pinned_window_steps_as_the_rules_do() -> None:
    # Each stream has a baseline of its own, and after it 400 events: as the law decides on lists.
    rng = simulation.np.random.default_rng(3)
    baseline = Rate(0.8).draw(rng, (6, 100))
    streams = simulation.PinnedWindowStreams(TERMS, baseline)
    drawn = Rate(0.6).draw(rng, (400, 6))
    alarms = [set(simulation.np.flatnonzero(streams.step(units))) for units in drawn]
    for stream in range(6):
        mean = rules.mean([Event(1, bool(one), None) for one in baseline[stream]])
        events = [Event(number, bool(one), None) for number, one in enumerate(drawn[:, stream], 1)]
        pinned = Pinned(0, 100, float(mean or 0), 0.5, 0.0, Scale())
        told = replay.on_pinned_windows(events, TERMS, [pinned])
        assert [trip.event for trip in told] == [number for number, seen in enumerate(alarms, 1) if stream in seen]
