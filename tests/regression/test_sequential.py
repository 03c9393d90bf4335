from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regression import sequential
from regression.rules import KILL_SWITCH, THROTTLE, Event
from regression.sequential import DROPS, Detector, Evidence, Reading, Settings
from regression.units import Scale

pytestmark = pytest.mark.sqlite  # no database is in it

SETTINGS = Settings(
    action=THROTTLE, baseline_size=1_000, scale=Scale(), beta=0.025, run_length=20_000, alpha=0.01,
    max_drop_fraction=0.1,
)  # fmt: skip


def _events(outcomes: str) -> list[Event]:
    return [Event(number, letter == "S", None) for number, letter in enumerate(outcomes, 101)]


def _detector(action: str = THROTTLE, *, floor: float = 0.1, log_alarm: float = math.log(20_000)) -> Detector:
    return Detector(bound=0.75, mean=0.8, action=action, log_alarm=log_alarm, max_drop_fraction=floor)


def _seen(outcomes: str, detector: Detector, scale: Scale | None = None) -> Evidence:
    evidence = Evidence()
    for event in _events(outcomes):
        evidence = evidence.plus(event, scale or Scale(), detector)
    return evidence


def _read(outcomes: str, detector: Detector | None = None) -> Reading:
    detector = detector or _detector()
    return sequential.read(_seen(outcomes, detector), detector)


def _plainly(outcomes: str, action: str, bound: float = 0.75) -> float:
    """Return the mean evidence as the formula reads, in plain numbers."""
    evidence = [0.0] * len(DROPS)
    for k, letter in enumerate(outcomes, 1):
        fresh = 2.352 / ((k + 10) * math.log(k + 10) ** 2) if action == KILL_SWITCH else 1.0
        for lane, drop in enumerate(DROPS):
            lower = bound * (1 - drop)
            ratio = lower / bound if letter == "S" else (1 - lower) / (1 - bound)
            evidence[lane] = (evidence[lane] + fresh) * ratio
    return sum(evidence) / len(DROPS)


@pytest.mark.parametrize("action", [THROTTLE, KILL_SWITCH])
@given(outcomes=st.text("SF", min_size=1, max_size=60))
def test_the_evidence_in_logs_is_the_formula(action: str, outcomes: str) -> None:
    assert _read(outcomes, _detector(action)).log_evidence == pytest.approx(math.log(_plainly(outcomes, action)))


@given(bound=st.floats(0.01, 0.99), mean=st.floats(0, 1), drop=st.sampled_from(DROPS))
def test_a_unit_is_not_expected_to_raise_the_evidence_while_the_mean_holds(
    bound: float, mean: float, drop: float
) -> None:
    # The ratio is linear in the share, so its expectation is its value at the mean.
    expected = sequential.ratio(mean, bound, drop)
    assert expected <= 1 + 1e-12 if mean >= bound else expected >= 1 - 1e-12


def test_the_weights_of_a_kill_switch_sum_to_at_most_one() -> None:
    upto = 200_000
    rest = 2.352 / math.log(upto + 10)  # the integral of the weights from there on, from below
    spent = math.fsum(sequential.weight(k) for k in range(1, upto + 1))
    assert 0.9999 < spent + rest < 1.0001
    assert spent + 2.352 / math.log(upto + 11) <= 1


def test_evidence_that_no_double_could_hold_stays_finite() -> None:
    reading = _read("F" * 3_000)
    assert 1_000 < reading.log_evidence < math.inf
    assert reading.alarms


def test_long_success_leaves_a_shiryaev_roberts_detector_ready_and_an_e_process_too() -> None:
    for action in (THROTTLE, KILL_SWITCH):
        assert _read("S" * 2_000, _detector(action)).log_evidence < 2
    assert _read("S" * 2_000 + "F" * 12).alarms


@pytest.mark.parametrize(("arming", "evidence"), [(1, 100), (2, 400), (3, 900)])
def test_each_arming_of_a_kill_switch_may_spend_less(arming: int, evidence: float) -> None:
    settings = Settings(KILL_SWITCH, 1_000, Scale(), 0.04, 20_000, 0.01, 0.1)
    assert math.exp(settings.log_alarm(arming)) == pytest.approx(evidence)
    assert settings.pin_error(arming) == pytest.approx(0.04 / arming**2)


def test_a_throttle_spends_nothing_by_arming() -> None:
    assert [round(math.exp(SETTINGS.log_alarm(arming))) for arming in (1, 7)] == [20_000, 20_000]
    assert SETTINGS.pin_error(7) == 0.025


def test_the_run_length_is_in_events_whatever_a_unit_is() -> None:
    blocks = Settings(THROTTLE, 1_000, Scale(block_events=10), 0.025, 20_000, 0.01, 0.1)
    assert math.exp(blocks.log_alarm(1)) == pytest.approx(2_000)
    assert blocks.units == 100


def test_it_alarms_at_the_evidence_that_it_asks_for_and_not_below() -> None:
    log_evidence = _read("SSFFFFF").log_evidence
    assert _read("SSFFFFF", _detector(log_alarm=log_evidence)).alarms
    assert not _read("SSFFFFF", _detector(log_alarm=math.nextafter(log_evidence, math.inf))).alarms


@pytest.mark.parametrize(("floor", "alarms"), [(0.375, True), (0.3751, False)])
def test_the_floor_keeps_a_smaller_drop_from_an_alarm(floor: float, alarms: bool) -> None:
    reading = _read("FS" * 60, _detector(floor=floor))
    assert (reading.mean, reading.drop) == (0.5, pytest.approx(0.375))
    assert reading.log_evidence > math.log(20_000)
    assert reading.alarms is alarms


def test_the_onset_is_the_event_from_which_on_the_drop_is_likeliest() -> None:
    reading = _read("S" * 40 + "FFSFFFSFFF")
    assert (reading.onset_id, reading.units, reading.mean) == (141, 10, 0.2)
    assert reading.drop == pytest.approx(0.75)


def test_before_the_first_unit_nothing_is_shown() -> None:
    reading = _read("")
    assert (reading.log_evidence, reading.onset_id, reading.mean, reading.drop) == (-math.inf, 0, 0.8, 0)
    assert not reading.alarms


def test_a_block_weighs_once_it_is_complete_and_as_its_mean() -> None:
    scale, detector = Scale(block_events=4), _detector()
    open_block = _seen("SFFS" + "FFF", detector, scale)
    assert (open_block.units, open_block.block.events, open_block.block.first_id) == (1, 3, 105)
    complete = _seen("SFFSFFFS", detector, scale)
    assert (complete.units, complete.block.events) == (2, 0)
    alone = Evidence()
    for number, share in ((1, 0.5), (2, 0.25)):
        alone = alone.plus(Event(number, None, share), Scale(), detector)
    assert [lane.log_evidence for lane in complete.lanes] == [lane.log_evidence for lane in alone.lanes]
    assert sequential.read(complete, detector).onset_id in {101, 105}


@pytest.mark.parametrize(("value", "share"), [(-5.0, 0), (10.0, 0), (15.0, 0.25), (30.0, 1), (31.0, 1)])
def test_values_are_shares_of_the_way_between_their_bounds(value: float, share: float) -> None:
    scale = Scale(low=10, high=30)
    assert scale.share(Event(1, None, value)) == share
    assert scale.value(share) == min(30, max(10, value))


def test_evidence_moves_by_its_events_alone_however_they_are_grouped() -> None:
    detector, outcomes = _detector(KILL_SWITCH), "SSFSFFFSSSFFFFSF"
    steps = [_seen(outcomes[:upto], detector) for upto in range(len(outcomes) + 1)]
    for (before, after), event in zip(pairwise(steps), _events(outcomes), strict=True):
        assert before.plus(event, Scale(), detector) == after
