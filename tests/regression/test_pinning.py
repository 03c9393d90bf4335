from __future__ import annotations

import math
import random

import pytest
from rest_framework.test import APIClient

from governance.errors import Invalid, NotFound
from governance.models import AuditEvent
from regression import baselines, services, standing
from regression.models import KpiEvent, RegressionBaseline, RegressionPolicy, RegressionState
from tests.regression.factories import (
    PAIR,
    BaselineFactory,
    PolicyFactory,
    arm,
    armed,
    evaluate,
    rearm,
    record,
    record_at_once,
)

pytestmark = pytest.mark.django_db
API = "/api/governance/regression"


def _pin() -> RegressionBaseline:
    return services.pin_baseline(**PAIR, actor="jo", reason="the Friday reset")


def _taken(baseline: RegressionBaseline) -> RegressionBaseline:
    baseline.refresh_from_db()
    return baseline


def _policy() -> RegressionPolicy:
    return RegressionPolicy.objects.get(**PAIR)


def _outcomes(successes: int, of: int) -> list[bool]:
    outcomes = [True] * successes + [False] * (of - successes)
    random.Random(1).shuffle(outcomes)
    return outcomes


def test_a_pin_takes_the_events_that_follow_and_none_from_before() -> None:
    PolicyFactory(enabled=False, baseline_size=100)
    record("FFFFF")
    baseline = _pin()
    assert (baseline.status, baseline.number, baseline.events) == ("TAKING", 1, 0)
    assert "picked from the past" in baseline.note
    record_at_once(_outcomes(92, 99), domain="OTHER")
    record_at_once(_outcomes(92, 99))
    assert (_taken(baseline).status, baseline.events) == ("TAKING", 99)
    assert "the next 100 events, of which 99 are here" in baseline.note
    assert _policy().pinning
    record("S")
    assert (_taken(baseline).status, baseline.events, baseline.mean) == ("PINNED", 100, 0.93)
    assert baseline.bound == pytest.approx(baselines.clopper_pearson(93, 100, 0.025))
    assert baseline.note.startswith("Pinned at 0.93 by 100 events; tested against 0.86")
    assert baseline.completed_at is not None
    assert not _policy().pinning
    record("F")
    assert _taken(baseline).events == 100


def test_a_pin_from_start_to_a_trip() -> None:
    PolicyFactory(enabled=False, baseline_size=100, run_length=100)
    _pin()
    record_at_once(_outcomes(95, 100))
    services.set_policy(
        **PAIR, patch={"detector": "SEQUENTIAL", "baseline_kind": "PINNED", "enabled": True}, actor="jo", reason="x"
    )
    record_at_once("SSSSFFFFFF")
    assert RegressionState.objects.get().triggered


def test_a_window_tripwire_goes_on_as_it_was_while_a_baseline_is_taken() -> None:
    PolicyFactory(baseline_size=100)
    record_at_once("SSSSSSSS")
    _pin()
    assert [one.state.triggered for one in record("FFFF") if one.state] == [False, False, False, True]


def test_what_a_trip_does_not_leave_clean_is_not_taken() -> None:
    PolicyFactory(baseline_size=100)
    baseline = _pin()
    record_at_once("SSSSSSSS" + "FFF")
    assert _taken(baseline).events == 11
    record_at_once("F" + "FFFF")
    assert _taken(baseline).events == 11
    rearm()
    record("SS")
    assert _taken(baseline).events == 13


def test_the_former_baseline_watches_until_the_new_one_is_complete() -> None:
    armed(baseline_size=100, max_drop_fraction="0.9")
    record("SSF")
    _pin()
    record_at_once(_outcomes(96, 99))
    kept = standing.restored(RegressionState.objects.get().evidence)
    assert (kept.pin, kept.evidence.units) == (1, 102)
    record("S")
    kept = standing.restored(RegressionState.objects.get().evidence)
    assert (kept.pin, kept.arming, kept.evidence.units) == (2, 2, 0)
    assert RegressionState.objects.get().baseline == 0.97
    assert list(RegressionBaseline.objects.order_by("number").values_list("status", flat=True)) == [
        "REPLACED",
        "PINNED",
    ]


def test_a_further_pin_begins_again_from_nothing() -> None:
    PolicyFactory(enabled=False, baseline_size=100)
    first = _pin()
    record("SSS")
    second = _pin()
    assert (_taken(first).status, second.number, second.events) == ("REPLACED", 2, 0)
    record("S")
    assert (_taken(first).events, _taken(second).events) == (3, 1)


def test_each_pin_of_a_kill_switch_may_err_less() -> None:
    PolicyFactory(enabled=False, action="KILL_SWITCH", beta="0.04")
    assert [_pin().beta for _again in range(3)] == pytest.approx([0.04, 0.01, 0.04 / 9])


def test_a_kill_switch_says_where_its_baseline_was_pinned_with_more_error_than_it_may_spend() -> None:
    armed(baseline={"number": 2, "beta": 0.025})
    assert "Pin anew" not in evaluate().note
    services.set_policy(**PAIR, patch={"action": "KILL_SWITCH"}, actor="jo", reason="x")
    assert "with an error of 0.025, and pin 2 of a kill switch may spend 0.00625" in evaluate().note
    RegressionBaseline.objects.update(beta=0.00625)
    assert "Pin anew" not in evaluate().note


def test_a_baseline_without_a_success_cannot_be_armed_and_says_so() -> None:
    PolicyFactory(enabled=False, baseline_size=100)
    BaselineFactory(number=1)
    baseline = services.pin_baseline(**PAIR, actor="jo", reason="x")
    record_at_once([False] * 100)
    assert (_taken(baseline).status, baseline.number, baseline.bound) == ("UNFIT", 2, 0)
    assert "cannot be armed" in baseline.note
    assert RegressionBaseline.objects.get(status="PINNED").number == 1
    assert not _policy().pinning


def test_neighbours_that_resemble_one_another_are_warned_of() -> None:
    PolicyFactory(enabled=False, baseline_size=100, detector="SEQUENTIAL", baseline_kind="PINNED")
    baseline = _pin()
    record_at_once("SSSSSSSSFF" * 10)
    assert _taken(baseline).correlation == pytest.approx(0.39, abs=0.01)
    assert "resemble one another (correlation 0.39" in baseline.note
    arm()
    assert "Set block_events and pin anew" in RegressionState.objects.get().note


def test_blocks_are_pinned_by_their_means_over_whole_blocks() -> None:
    PolicyFactory(enabled=False, baseline_size=103, block_events=5)
    baseline = _pin()
    assert baseline.size == 100
    record_at_once(_outcomes(90, 100))
    sums = baselines.Sums(*_taken(baseline).progress["sums"])
    assert (sums.units, sums.binary, baseline.mean) == (20, False, pytest.approx(0.9))
    deviation = math.sqrt(2 * sums.variance * math.log(80) / 20) + 7 * math.log(80) / (3 * 19)
    assert baseline.bound == pytest.approx(0.9 - deviation)


def test_values_are_pinned_within_their_bounds() -> None:
    PolicyFactory(enabled=False, baseline_size=100, value_low=0.0, value_high=1_000.0)
    baseline = _pin()
    record_at_once([800.0, 1_200.0] * 50)
    assert (_taken(baseline).status, baseline.mean) == ("PINNED", pytest.approx(900))
    assert 0.6 < (baseline.bound or 0) < 0.9


def test_a_pin_is_recorded_with_its_reason() -> None:
    PolicyFactory()
    with pytest.raises(Invalid, match="Say why"):
        services.pin_baseline(**PAIR, actor="jo", reason=" ")
    _pin()
    row = AuditEvent.objects.get(action="regression.baseline.pin")
    assert (row.actor, row.reason, row.after["number"]) == ("jo", "the Friday reset", 1)


def test_there_is_nothing_to_pin_without_a_policy() -> None:
    with pytest.raises(NotFound):
        _pin()


def test_the_api_pins_and_says_why_it_waits(api: APIClient) -> None:
    PolicyFactory(baseline_size=100)
    body = {**PAIR, "actor": "jo", "reason": "the Friday reset"}
    pinned = api.post(f"{API}/baseline/pin", body, format="json")
    assert pinned.status_code == 200
    assert (pinned.json()["status"], pinned.json()["events"], pinned.json()["size"]) == ("TAKING", 0, 100)
    assert "It waits for them because a baseline that is picked from the past" in pinned.json()["note"]
    record("S")
    (row,) = api.get(f"{API}/baselines", {"domain": "OFFERS"}).json()["results"]
    assert (row["number"], row["events"]) == (1, 1)
    assert api.get(f"{API}/baselines", {"status": "PINNED"}).json()["results"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [({**PAIR, "actor": "jo"}, 400), ({"domain": "NONE", "metric": "x", "actor": "jo", "reason": "x"}, 404)],
)
def test_a_pin_without_a_reason_or_a_tripwire_is_an_error(api: APIClient, body: dict[str, str], status: int) -> None:
    PolicyFactory()
    assert api.post(f"{API}/baseline/pin", body, format="json").status_code == status
    assert not RegressionBaseline.objects.exists()


def test_pinning_costs_the_same_however_many_events_there_are() -> None:
    PolicyFactory(enabled=False)
    _pin()
    record("S" * 3)
    assert KpiEvent.objects.count() == 3
    assert len(RegressionBaseline.objects.get().progress["sums"]) == 7
