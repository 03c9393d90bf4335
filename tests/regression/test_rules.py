from __future__ import annotations

import sys
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from regression import rules, words
from regression.rules import Event, Terms, Windows

pytestmark = pytest.mark.sqlite  # no database is asked

TERMS = Terms(
    window_events=50, baseline_events=200, min_events_to_enforce=50, max_drop_fraction=Decimal("0.200000"), enabled=True
)
STANDING: dict[str, Any] = {
    "window_events": 50,
    "baseline_events": 200,
    "min_events_to_enforce": 50,
    "max_drop_fraction": Decimal("0.2"),
    "action": "KILL_SWITCH",
    "enabled": True,
}


def _events(count: int) -> list[Event]:
    return [Event(number, True, None) for number in range(count, 0, -1)]


def _rate(successes: int, of: int) -> list[Event]:
    return [Event(number, number <= successes, None) for number in range(1, of + 1)]


def _judge(baseline: list[Event], current: list[Event], *, triggered: bool = False, **terms: Any) -> rules.Judgement:
    asked = {name: getattr(TERMS, name) for name in Terms.__dataclass_fields__}
    return rules.judge(Windows(current, baseline), Terms(**{**asked, **terms}), triggered=triggered)


def _values(*values: float) -> list[Event]:
    return [Event(number, None, value) for number, value in enumerate(values, 1)]


@pytest.mark.parametrize(
    ("count", "armed_after", "current", "baseline"),
    [
        (0, 0, 0, 0),
        (200, 0, 0, 200),
        (201, 0, 1, 200),
        (201, 201, 0, 200),
        (249, 200, 49, 200),
        (250, 200, 50, 200),
        (251, 200, 50, 200),
        (210, 100, 10, 200),
        (150, 0, 0, 150),
        (1000, 990, 10, 200),
    ],
)
def test_the_windows_of_the_contract(count: int, armed_after: int, current: int, baseline: int) -> None:
    newest = _events(count)[: TERMS.window_events + TERMS.baseline_events]
    seen = rules.windows(newest, TERMS, armed_after)
    assert (len(seen.current), len(seen.baseline)) == (current, baseline)
    assert [*seen.current, *seen.baseline] == newest[: current + baseline]


def test_a_drop_of_exactly_a_fifth_triggers() -> None:
    # 0.95 to 0.76 is a fifth; in doubles it is 0.19999999999999996.
    assert (0.95 - 0.76) / 0.95 < 0.2
    found = _judge(_rate(190, 200), _rate(38, 50))
    assert (found.baseline, found.current, found.drop) == (Fraction(19, 20), Fraction(19, 25), Fraction(1, 5))
    assert found.trips


def test_one_success_more_does_not_trigger() -> None:
    assert not _judge(_rate(190, 200), _rate(39, 50)).trips


def test_one_success_less_triggers() -> None:
    assert _judge(_rate(190, 200), _rate(37, 50)).trips


@pytest.mark.parametrize(
    ("of_baseline", "of_current", "trips"), [(50, 50, True), (49, 50, False), (50, 49, False), (200, 50, True)]
)
def test_both_windows_must_hold_enough(of_baseline: int, of_current: int, trips: bool) -> None:
    assert _judge(_rate(of_baseline, of_baseline), _rate(0, of_current)).trips is trips


def test_a_disabled_policy_never_triggers() -> None:
    found = _judge(_rate(200, 200), _rate(0, 50), enabled=False)
    assert (found.trips, found.drop) == (False, 1)


def test_a_triggered_one_does_not_trigger_again() -> None:
    found = _judge(_rate(200, 200), _rate(0, 50), triggered=True)
    assert (found.trips, found.drop) == (False, 1)


def test_without_current_events_current_is_the_baseline_and_the_drop_is_zero() -> None:
    found = _judge(_rate(190, 200), [])
    assert (found.baseline, found.current, found.drop) == (Fraction(19, 20), Fraction(19, 20), 0)
    assert not found.trips


def test_nothing_recorded_has_no_means() -> None:
    found = _judge([], [])
    assert (found.baseline, found.current, found.drop, found.trips) == (None, None, 0, False)
    assert words.note(found, TERMS, triggered=False) == "No event is recorded yet."


@pytest.mark.parametrize("baseline", [0.0, -2.5])
def test_a_baseline_of_zero_or_less_is_not_divided_by_and_the_note_says_so(baseline: float) -> None:
    found = _judge(_values(*[baseline] * 50), _values(*[-100.0] * 50))
    assert (found.drop, found.trips) == (None, False)
    said = words.note(found, TERMS, triggered=False)
    assert f"The baseline is {baseline:g}: no drop can be computed" in said


def test_a_rise_is_a_negative_drop() -> None:
    found = _judge(_rate(25, 50), _rate(50, 50))
    assert (found.drop, found.trips) == (-1, False)


def test_values_are_taken_as_the_decimals_that_they_are_written_as() -> None:
    # The doubles 0.1, 0.2 and 0.3 sum to 0.6000000000000001.
    assert rules.mean(_values(0.1, 0.2, 0.3)) == Fraction(1, 5)
    found = _judge(_values(*[0.3] * 50), _values(*[0.24] * 50))
    assert (found.drop, found.trips) == (Fraction(1, 5), True)


def test_sums_are_exact_from_the_largest_value_to_the_smallest() -> None:
    tiny = sys.float_info.min * sys.float_info.epsilon
    events = _values(*[1e15] * 9_999, tiny)
    exact = (9_999 * Fraction(10**15) + Fraction(Decimal(repr(tiny)))) / 10_000
    assert rules.mean(events) == exact


def test_successes_and_values_of_one_metric_are_numbers_alike() -> None:
    assert rules.mean([Event(1, True, None), Event(2, None, 0.5), Event(3, False, None)]) == Fraction(1, 2)


@pytest.mark.parametrize(
    ("figure", "shown"),
    [
        (None, None),
        (Fraction(19, 20), 0.95),
        (Fraction(10) ** 400, sys.float_info.max),
        (-(Fraction(10) ** 400), -sys.float_info.max),
    ],
)
def test_what_is_stored_is_a_finite_double(figure: Fraction | None, shown: float | None) -> None:
    assert rules.double(figure) == shown


@pytest.mark.parametrize(
    ("drop", "said"), [(Fraction(21, 95), "0.221"), (Fraction(1), "1.000"), (Fraction(10) ** 400, "1.8e+308")]
)
def test_the_reason_of_a_trip_has_three_decimals(drop: Fraction, said: str) -> None:
    assert words.pulled("WHOLESALE", "contract_rate", drop) == (
        f"Regression tripwire: WHOLESALE.contract_rate drop={said}"
    )


@pytest.mark.parametrize(
    ("gaps", "above", "upto", "expected"),
    [
        ([], 0, rules.END, [(0, rules.END)]),
        ([(20, 30), (5, 10)], 0, rules.END, [(30, rules.END), (10, 20), (0, 5)]),
        ([(5, 10)], 0, 15, [(10, 15), (0, 5)]),
        ([(20, 30)], 20, rules.END, [(30, rules.END)]),
        ([(0, 10)], 0, 15, [(10, 15)]),
    ],
)
def test_segments_lie_between_the_gaps(
    gaps: list[tuple[int, int]], above: int, upto: int, expected: list[tuple[int, int]]
) -> None:
    assert list(rules.segments(gaps, above, upto)) == expected


@pytest.mark.parametrize(
    ("note_of", "starts"),
    [
        ({"triggered": True}, "Triggered: it stays so until a person re-arms it"),
        ({"enabled": False}, "The policy is disabled"),
        ({"current": 49}, "Waiting for events: the current window holds 49 and the baseline 200, it needs 50"),
        ({}, "Watching: it triggers at a drop of 0.2."),
    ],
)
def test_the_note_says_how_it_stands(note_of: dict[str, Any], starts: str) -> None:
    terms = Terms(50, 200, 50, Decimal("0.200000"), note_of.get("enabled", True))
    current = _rate(45, 50)[: note_of.get("current", 50)]
    triggered = note_of.get("triggered", False)
    found = rules.judge(Windows(current, _rate(190, 200)), terms, triggered=triggered)
    assert words.note(found, terms, triggered=triggered).startswith(starts)


@pytest.mark.parametrize(
    ("patch", "loosening"),
    [
        ({"enabled": False}, {"enabled"}),
        ({"enabled": True}, set()),
        ({"max_drop_fraction": Decimal("0.200001")}, {"max_drop_fraction"}),
        ({"max_drop_fraction": Decimal("0.2")}, set()),
        ({"max_drop_fraction": Decimal("0.199999")}, set()),
        ({"min_events_to_enforce": 51}, {"min_events_to_enforce"}),
        ({"min_events_to_enforce": 49}, set()),
        ({"window_events": 51}, {"window_events"}),
        ({"window_events": 49}, {"window_events"}),
        ({"window_events": 50}, set()),
        ({"baseline_events": 201}, {"baseline_events"}),
        ({"baseline_events": 199}, {"baseline_events"}),
        ({"action": "THROTTLE"}, {"action"}),
        ({"action": "KILL_SWITCH"}, set()),
        ({"enabled": False, "max_drop_fraction": Decimal("0.1")}, {"enabled"}),
    ],
)
def test_what_loosens(patch: dict[str, Any], loosening: set[str]) -> None:
    assert rules.loosens(STANDING, patch) == loosening


def test_enabling_and_a_harsher_action_tighten() -> None:
    standing = {**STANDING, "enabled": False, "action": "THROTTLE"}
    assert rules.loosens(standing, {"enabled": True, "action": "KILL_SWITCH"}) == set()


def test_switching_off_what_is_off_loosens_nothing() -> None:
    assert rules.loosens({**STANDING, "enabled": False}, {"enabled": False}) == set()


@pytest.mark.parametrize(
    ("controls", "patch", "fields"),
    [
        ({}, {"min_events_to_enforce": 50}, set()),
        ({"min_events_to_enforce": 51}, {"min_events_to_enforce": 51}, {"min_events_to_enforce"}),
        ({"window_events": 49}, {"window_events": 49}, {"window_events"}),
        ({"baseline_events": 49}, {"baseline_events": 49}, {"baseline_events"}),
        ({"window_events": 9, "baseline_events": 9}, {"window_events": 9}, {"window_events", "baseline_events"}),
    ],
)
def test_a_policy_that_could_never_trigger(controls: dict[str, int], patch: dict[str, int], fields: set[str]) -> None:
    assert set(rules.never_triggers({**STANDING, **controls}, patch)) == fields


@pytest.mark.parametrize(
    ("success", "value", "fields"),
    [
        (True, None, set()),
        (False, None, set()),
        (None, 0.0, set()),
        (None, 1e15, set()),
        (None, -1e15, set()),
        (None, 1.0000000000000002e15, {"value"}),
        (None, float("nan"), {"value"}),
        (None, float("inf"), {"value"}),
        (None, 10**400, {"value"}),
        (None, True, {"value"}),
        (1, None, {"success"}),
        (None, None, {"success", "value"}),
        (True, 1.0, {"success", "value"}),
    ],
)
def test_an_event_has_exactly_one_of_success_and_value(success: Any, value: Any, fields: set[str]) -> None:
    assert set(rules.malformed(success, value)) == fields


@pytest.mark.parametrize("target", ["WHOLESALE", "", "/", "A/", "/b", "A/b/c", "A B/c"])
def test_what_is_no_tripwires_name(target: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        rules.spelled(target)


def test_a_tripwires_name_has_one_spelling() -> None:
    assert rules.spelled(" wholesale / Contract_Rate ") == "WHOLESALE/contract_rate"


@pytest.mark.parametrize("target", ["", "x", "-1", "1.5", "²", "9" * 19])
def test_what_is_no_incidents_number(target: str) -> None:
    with pytest.raises(ValueError, match="number of an incident"):
        rules.incident_number(target)


def test_an_incidents_number_has_one_spelling() -> None:
    assert rules.incident_number("007") == "7"


def test_re_arming_always_loosens_and_incidents_never() -> None:
    assert rules.always_loosens({}, {})
    assert not rules.never_loosens({}, {})


def test_a_trip_pins_what_it_pulls() -> None:
    assert rules.pin("THROTTLE", "WHOLESALE") == "risk_policy:WHOLESALE"
    assert rules.pin("KILL_SWITCH", "CAPITAL") == "kill_switch"
