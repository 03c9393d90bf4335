from __future__ import annotations

import datetime as dt
import math
import random
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext

import golive.selectors
from governance import changes, clock
from governance.changes import Refused
from regression import rules, sequential, services, sights, standing
from regression.models import KpiEvent, RegressionBaseline, RegressionGap, RegressionIncident, RegressionState
from regression.rules import Event
from tests.regression.factories import (
    DOMAIN,
    METRIC,
    PAIR,
    armed,
    change,
    evaluate,
    held,
    rearm,
    record,
    record_at_once,
    state_now,
    throttled,
)

pytestmark = pytest.mark.django_db
MIDNIGHT = dt.datetime(2026, 1, 13, tzinfo=dt.UTC)


@pytest.mark.sqlite  # PostgreSQL's function leaves these to the law in Python
@pytest.mark.parametrize("action", [rules.THROTTLE, rules.KILL_SWITCH])
@pytest.mark.parametrize("block", [1, 4])
def test_the_state_after_each_event_is_the_rules_applied_to_all_of_them(action: str, block: int) -> None:
    policy = armed(action=action, run_length=10**6, alpha="0.000001", baseline={"block_events": block})
    baseline = RegressionBaseline.objects.get()
    outcomes = "".join(random.Random(3).choices("SF", [8, 2], k=30))
    against = sights.detector(policy, baseline, 1)
    expected = standing.anew(1, None, 0)
    for recorded, outcome in zip(record(outcomes), outcomes, strict=True):
        expected = expected.plus(Event(recorded.id, outcome == "S", None), baseline.scale, against)
        assert recorded.state is not None
    assert standing.restored(state_now().evidence) == expected
    reading = sequential.read(expected.evidence, against)
    assert state_now().drop_fraction == pytest.approx(reading.drop)
    assert state_now().current == pytest.approx(reading.mean)


def test_it_trips_at_the_event_that_brings_enough_evidence_and_not_before() -> None:
    armed()
    record_at_once("S" * 20)
    states = [recorded.state for recorded in record("FFFFFF")]
    trips = [state.triggered for state in states if state]
    first = trips.index(True)
    assert 1 <= first <= 4
    assert trips == [False] * first + [True] * (6 - first)
    before = RegressionIncident.objects.get().path["points"][-2][1]
    assert before < math.log(100) <= RegressionIncident.objects.get().path["points"][-1][1]


def test_what_succeeds_as_before_never_trips() -> None:
    armed()
    record_at_once("SSSSSSSSSF" * 6)
    assert not state_now().triggered
    assert state_now().note.startswith("Watching: the evidence of a drop is")
    assert "it triggers at 100 with a drop of 0.2 or more" in state_now().note


def test_before_the_first_event_the_figures_are_the_baselines() -> None:
    armed()
    state = state_now()
    assert (state.baseline, state.current, state.drop_fraction) == (0.9, 0.9, 0)
    assert (state.baseline_count, state.current_count) == (1_000, 0)


def test_a_trip_pulls_the_lever_holds_the_engine_and_tells_how_it_came_about() -> None:
    armed()
    with clock.at(MIDNIGHT):
        good = record("S" * 30)
    with clock.at(MIDNIGHT + dt.timedelta(minutes=5)):
        first, *rest = record("FFF")
    with clock.at(MIDNIGHT + dt.timedelta(minutes=7)):
        rest += record("F")
    assert state_now().triggered
    assert throttled()
    assert held()
    incident = RegressionIncident.objects.get()
    last = next(one.id for one in rest if one.state and one.state.triggered)
    assert (incident.detector, incident.mode, incident.action) == ("SEQUENTIAL", "ENFORCE", "THROTTLE")
    assert (incident.onset_event_id, incident.first_event_id) == (first.id, first.id)
    assert incident.last_event_id == last
    assert incident.onset_at == MIDNIGHT + dt.timedelta(minutes=5)
    assert incident.events_to_detect == last - first.id + 1
    assert (incident.baseline, incident.current, incident.drop_fraction) == (0.9, 0, 1)
    assert incident.path["figure"] == "log_evidence"
    assert incident.path["alarm_at"] == pytest.approx(math.log(100), abs=1e-3)
    assert incident.path["points"][0][0] == good[0].id
    assert incident.path["points"][-1][0] == last


def test_while_it_is_triggered_events_do_not_move_its_evidence() -> None:
    armed()
    record_at_once("FFFFFF")
    kept = state_now().evidence
    record_at_once("SFS")
    assert state_now().evidence == kept
    assert RegressionIncident.objects.count() == 1


def test_rearming_keeps_the_baseline_and_starts_the_evidence_anew() -> None:
    armed()
    record_at_once("SSFFFFFF")
    state = rearm()
    kept = standing.restored(state.evidence)
    assert (kept.pin, kept.arming, kept.evidence.units) == (1, 2, 0)
    assert RegressionBaseline.objects.get().status == "PINNED"
    assert not held()
    record_at_once("SSSS")
    assert not state_now().triggered
    record_at_once("FFFFFF")
    assert state_now().triggered
    assert RegressionIncident.objects.count() == 2


def test_the_events_of_a_trip_are_left_out_of_every_later_window() -> None:
    armed()
    good = record("SSSSSSSS")
    record_at_once("FFFFFF")
    rearm()
    gap = RegressionGap.objects.get()
    assert (gap.after_id, gap.until_id) == (good[-1].id, KpiEvent.objects.latest("pk").pk)


def test_a_trip_by_the_very_first_event_after_a_gap_leaves_the_gap_out_once() -> None:
    armed()
    record_at_once("SSSS" + "FFFFFF")
    rearm()
    record_at_once("FFFFFF")
    rearm()
    gap = RegressionGap.objects.get()
    assert (gap.after_id, gap.until_id) == (KpiEvent.objects.order_by("pk")[3].pk, KpiEvent.objects.latest("pk").pk)


def test_a_kill_switch_engages_and_each_rearming_asks_for_more() -> None:
    armed(action="KILL_SWITCH", alpha="0.01")
    record_at_once("F" * 8)
    assert golive.selectors.state().kill_switch_engaged
    assert RegressionIncident.objects.get().path["alarm_at"] == pytest.approx(math.log(100), abs=1e-3)
    assert "it triggers at 400" in rearm().note


@pytest.mark.parametrize(("floor", "triggered"), [("0.5", True), ("1", False)])
def test_a_drop_below_the_floor_never_trips(floor: str, triggered: bool) -> None:
    armed(max_drop_fraction=floor)
    record_at_once("SFF" * 12)
    assert state_now().triggered is triggered


def test_values_are_tested_within_their_bounds_and_shown_as_values() -> None:
    armed(baseline={"value_low": 100.0, "value_high": 200.0, "mean": 190.0, "bound": 0.88})
    record_at_once([195.0] * 10)
    assert state_now().current == pytest.approx(195)
    record_at_once([90.0] * 6)
    state = state_now()
    assert state.triggered
    assert (state.baseline, state.current) == (190, 100)
    assert state.drop_fraction == pytest.approx(1)


def test_an_evaluation_on_request_adds_no_evidence() -> None:
    armed()
    record_at_once("SFF")
    kept = state_now().evidence
    assert evaluate().evidence == kept


def test_a_stricter_limit_trips_on_the_evidence_that_stands() -> None:
    armed(run_length=10**6)
    record_at_once("SSSS" + "FFFF")
    assert not state_now().triggered
    change(run_length=100)
    assert evaluate().triggered
    assert RegressionIncident.objects.get().last_event_id == KpiEvent.objects.latest("pk").pk


@pytest.mark.parametrize(("patch", "anew"), [({"action": "KILL_SWITCH"}, True), ({"run_length": 500}, False)])
def test_another_test_starts_anew_and_another_limit_does_not(patch: dict[str, Any], anew: bool) -> None:
    armed()
    record_at_once("SFS")
    change(**patch)
    assert (standing.restored(state_now().evidence).evidence.units == 0) is anew


def test_the_number_of_queries_does_not_grow_with_the_events() -> None:
    armed()
    counts = []
    for outcomes in ("S", "S" * 25):
        record_at_once(outcomes)
        with CaptureQueriesContext(connection) as seen:
            record("S")
        counts.append(len(seen))
    assert counts[0] == counts[1]


# Waiting to be re-armed


def _trip_and_rearm(at: dt.datetime) -> Any:
    with clock.at(at):
        record_at_once("FFFFFF")
        return changes.submit(action=rules.REARM, target=f"{DOMAIN}/{METRIC}", patch={}, actor="jo", reason="mended")


def test_what_trips_again_and_again_must_wait_longer_before_it_is_rearmed(settings: LazySettings) -> None:
    settings.REARM_WAIT_MINUTES = 60
    armed()
    for hour in (0, 1):
        assert not isinstance(_trip_and_rearm(MIDNIGHT + dt.timedelta(hours=hour)), Refused)
    third = MIDNIGHT + dt.timedelta(hours=2)
    refused = _trip_and_rearm(third)
    assert isinstance(refused, Refused)
    assert refused.code == "must_wait"
    assert "has tripped 3 times within 7 days: it may be re-armed from 2026-01-13 03:00 UTC on" in refused.message
    with clock.at(third + dt.timedelta(minutes=59)):
        assert isinstance(services.rearm(**PAIR, actor="jo", reason="x"), Refused)
    with clock.at(third + dt.timedelta(minutes=60)):
        assert isinstance(services.rearm(**PAIR, actor="jo", reason="x"), RegressionState)
    fourth = _trip_and_rearm(third + dt.timedelta(hours=2))
    assert isinstance(fourth, Refused)
    assert "06:00 UTC" in fourth.message


def test_trips_of_more_than_a_week_ago_are_forgotten(settings: LazySettings) -> None:
    settings.REARM_WAIT_MINUTES = 60
    armed()
    for day in (0, 1, 8):
        assert not isinstance(_trip_and_rearm(MIDNIGHT + dt.timedelta(days=day, minutes=1)), Refused)
