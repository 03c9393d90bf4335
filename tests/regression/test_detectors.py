"""What either detector asks for, what weakens one, and how each goes on in SHADOW and against a pin."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import LazySettings

from governance import changes
from governance.changes import Pending
from governance.errors import Invalid
from regression import rules, standing
from regression.models import KpiEvent, RegressionBaseline, RegressionIncident
from tests.regression.factories import (
    DOMAIN,
    METRIC,
    BaselineFactory,
    PolicyFactory,
    arm,
    armed,
    change,
    evaluate,
    held,
    record,
    record_at_once,
    state_now,
    throttled,
)

pytestmark = pytest.mark.django_db
MIDNIGHT = dt.datetime(2026, 1, 13, tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"enabled": True}, "enabled"),
        ({"detector": "SEQUENTIAL", "enabled": True}, "enabled"),
    ],
)
def test_it_cannot_be_enabled_without_a_pinned_baseline(patch: dict[str, Any], field: str) -> None:
    PolicyFactory(enabled=False, baseline_kind="PINNED")
    with pytest.raises(Invalid) as raised:
        change(**patch)
    assert list(raised.value.errors) == [field]
    assert "pin one first" in raised.value.errors[field][0]


def test_a_tripwire_that_watches_is_not_switched_to_a_baseline_that_is_not_there() -> None:
    PolicyFactory()
    with pytest.raises(Invalid, match="pin one first"):
        change(detector="SEQUENTIAL", baseline_kind="PINNED")


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"detector": "SEQUENTIAL"}, "detector"),
        ({"value_low": 1.0}, "value_low"),
        ({"value_high": -2.0}, "value_high"),
        ({"block_events": 51}, "block_events"),
        ({"baseline_size": 100, "block_events": 6}, "baseline_size"),
    ],
)
def test_controls_that_do_not_fit_together_are_refused_by_name(patch: dict[str, Any], field: str) -> None:
    PolicyFactory()
    with pytest.raises(Invalid) as raised:
        change(**patch)
    assert list(raised.value.errors) == [field]


def test_twenty_blocks_are_enough() -> None:
    PolicyFactory()
    change(baseline_size=100, block_events=5)


def test_a_disabled_one_without_a_baseline_says_so() -> None:
    PolicyFactory(enabled=False, detector="SEQUENTIAL", baseline_kind="PINNED")
    assert evaluate().note.startswith("It has no pinned baseline and watches nothing. Pin one")


@pytest.mark.parametrize(
    ("patch", "loosening"),
    [
        ({"detector": "SEQUENTIAL"}, True), ({"detector": "WINDOW"}, False), ({"mode": "SHADOW"}, True),
        ({"mode": "ENFORCE"}, False), ({"baseline_kind": "PINNED"}, True), ({"baseline_size": 2_000}, True),
        ({"block_events": 2}, True), ({"value_low": -1.0}, True), ({"value_high": 2.0}, True),
        ({"run_length": 20_001}, True), ({"run_length": 19_999}, False), ({"alpha": 0.009}, True),
        ({"alpha": 0.011}, False), ({"beta": 0.02}, True), ({"beta": 0.03}, False),
    ],
)  # fmt: skip
def test_what_loosens(patch: dict[str, Any], loosening: bool) -> None:
    stands = {
        "detector": "WINDOW", "mode": "ENFORCE", "baseline_kind": "ROLLING", "baseline_size": 1_000, "block_events": 1,
        "value_low": 0.0, "value_high": 1.0, "run_length": 20_000, "alpha": 0.01, "beta": 0.025,
    }  # fmt: skip
    assert bool(rules.loosens(stands, patch)) is loosening


def test_leaving_shadow_tightens() -> None:
    assert not rules.loosens({"mode": "SHADOW"}, {"mode": "ENFORCE"})


# SHADOW


@pytest.mark.parametrize("detector", ["WINDOW", "SEQUENTIAL"])
def test_in_shadow_it_records_what_it_would_have_done_and_pulls_nothing(detector: str) -> None:
    if detector == "SEQUENTIAL":
        armed(mode="SHADOW")
    else:
        PolicyFactory(mode="SHADOW")
    record_at_once("SSSSSSSSFFFF" + "FF")
    incident = RegressionIncident.objects.get()
    assert (incident.mode, incident.status, incident.detector) == ("SHADOW", "OPEN", detector)
    assert incident.onset_event_id == KpiEvent.objects.order_by("pk")[8].pk
    assert not held()
    assert not throttled()
    state = state_now()
    assert (state.triggered, state.baseline_end_id, state.last_triggered_at) == (False, None, None)
    assert state.note.startswith(("Watching", "Waiting"))


def test_in_shadow_it_is_armed_anew_at_once_and_records_the_next() -> None:
    armed(mode="SHADOW")
    record_at_once("SSSSFFFFFF" + "SSSSFFFFFF")
    assert RegressionIncident.objects.filter(mode="SHADOW").count() >= 2
    assert standing.restored(state_now().evidence).arming >= 3


# WINDOW with a pinned baseline


@pytest.mark.parametrize(("outcomes", "triggered"), [("SSFS", False), ("SFFS", True)])
def test_windows_can_be_compared_with_a_pinned_baseline(outcomes: str, triggered: bool) -> None:
    PolicyFactory(enabled=False, baseline_kind="PINNED", max_drop_fraction="0.4")
    BaselineFactory(mean=0.9)
    record("FFFF")
    arm()
    record_at_once(outcomes)
    state = state_now()
    assert (state.triggered, state.baseline, state.baseline_count) == (triggered, 0.9, 1_000)
    assert state.current == outcomes.count("S") / 4
    if triggered:
        incident = RegressionIncident.objects.get()
        assert state.baseline_end_id == KpiEvent.objects.order_by("pk")[3].pk
        assert incident.path["points"][-1][1] == pytest.approx(0.4444)


def test_a_drop_of_exactly_the_limit_trips_a_pinned_baseline_too() -> None:
    PolicyFactory(enabled=False, baseline_kind="PINNED", max_drop_fraction="0.375")
    BaselineFactory(mean=0.8)
    arm()
    record("SFSF")
    assert state_now().triggered


# Four eyes


def test_with_four_eyes_a_weaker_detector_a_pin_and_a_rearming_wait_for_a_second_person(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    armed()
    asked = {"target": f"{DOMAIN}/{METRIC}", "actor": "jo", "reason": "because"}
    for action, patch in (
        (rules.SET_POLICY, {"detector": "WINDOW"}), (rules.SET_POLICY, {"mode": "SHADOW"}), (rules.PIN, {}),
        (rules.REARM, {}),
    ):  # fmt: skip
        assert isinstance(changes.submit(action=action, patch=patch, **asked), Pending)
    assert RegressionBaseline.objects.get().number == 1
