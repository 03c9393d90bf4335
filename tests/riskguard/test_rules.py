from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from riskguard import rules
from riskguard.rules import CAPS, GLOBAL, Caps, Denial, Held, Level, Usage

pytestmark = pytest.mark.sqlite  # no database is asked

NO_CAPS = dict.fromkeys(CAPS)
FIGURES = st.integers(0, 10**15)
SOME_CAPS = st.builds(Caps, **{cap: st.none() | FIGURES for cap in CAPS})
SOME_USAGE = st.builds(Usage, FIGURES, FIGURES, FIGURES, FIGURES, FIGURES)
USED = {
    "max_daily_exposure": "exposure_used",
    "max_open_risk": "open_risk_reserved",
    "max_actions_per_day": "actions_count",
    "max_actions_per_minute": "actions_last_minute",
}


def level(
    policy: str = "E", *, enabled: bool = True, reason: str = "", usage: Usage | None = None, **caps: Any
) -> Level:
    return Level(policy, enabled, reason, Caps(**{**NO_CAPS, **caps}), usage or Usage())


@pytest.mark.parametrize("at", [0, 1], ids=[GLOBAL, "engine"])
@pytest.mark.parametrize("cap", ["max_daily_exposure", "max_open_risk"])
@pytest.mark.parametrize(("amount", "fits"), [(399, True), (400, True), (401, False)])
def test_money_fits_up_to_the_cap(cap: str, at: int, amount: int, fits: bool) -> None:
    levels = [level(GLOBAL), level()]
    levels[at] = level(levels[at].policy, usage=Usage(**{USED[cap]: 600}), **{cap: 1_000})
    denial = rules.room(levels, amount)
    assert (denial is None) is fits
    if not fits:
        assert denial == Denial("would_exceed_policy", levels[at].policy, cap, 1_000, 600, amount)


@pytest.mark.parametrize("at", [0, 1], ids=[GLOBAL, "engine"])
@pytest.mark.parametrize("cap", ["max_actions_per_day", "max_actions_per_minute"])
@pytest.mark.parametrize(("used", "fits"), [(1, True), (2, True), (3, False), (4, False)])
def test_an_action_fits_up_to_the_limit(cap: str, at: int, used: int, fits: bool) -> None:
    levels = [level(GLOBAL), level()]
    levels[at] = level(levels[at].policy, usage=Usage(**{USED[cap]: used}), **{cap: 3})
    denial = rules.room(levels, 10**15)
    assert (denial is None) is fits
    if not fits:
        assert denial == Denial("would_exceed_policy", levels[at].policy, cap, 3, used, 1)


@pytest.mark.parametrize("at", [0, 1], ids=[GLOBAL, "engine"])
@pytest.mark.parametrize(("amount", "fits"), [(999, True), (1_000, True), (1_001, False)])
def test_one_action_takes_no_more_than_its_cap(at: int, amount: int, fits: bool) -> None:
    levels = [level(GLOBAL), level()]
    levels[at] = level(levels[at].policy, max_amount_per_action=1_000)
    assert (rules.room(levels, amount) is None) is fits


@pytest.mark.parametrize("at", [0, 1], ids=[GLOBAL, "engine"])
@pytest.mark.parametrize(("lost", "fits"), [(199, True), (200, False), (201, False)])
def test_nothing_fits_once_the_loss_cap_is_reached(at: int, lost: int, fits: bool) -> None:
    levels = [level(GLOBAL), level()]
    levels[at] = level(levels[at].policy, usage=Usage(realized_loss=lost), max_daily_loss=200)
    denial = rules.room(levels, 1)
    assert (denial is None) is fits
    if not fits:
        assert denial == Denial("loss_cap_reached", levels[at].policy, "max_daily_loss", 200, lost, 0)


@pytest.mark.parametrize("cap", CAPS)
def test_a_cap_of_zero_allows_nothing(cap: str) -> None:
    denial = rules.room([level(GLOBAL), level(**{cap: 0})], 1)
    assert denial is not None
    assert (denial.policy, denial.cap, denial.limit) == ("E", cap, 0)


def test_no_cap_is_no_limit() -> None:
    used = Usage(10**15, 10**15, 10**15, 10**15, 10**15)
    assert rules.room([level(GLOBAL, usage=used), level(usage=used)], 10**15) is None


def test_global_is_named_before_the_engine_and_a_loss_before_what_would_exceed() -> None:
    full, lost = {"max_daily_exposure": 0}, {"max_daily_loss": 0}
    both = rules.room([level(GLOBAL, **full), level(**full)], 1)
    assert both is not None
    assert both.policy == GLOBAL
    both = rules.room([level(GLOBAL, **lost), level(**lost)], 1)
    assert both is not None
    assert both.policy == GLOBAL
    mixed = rules.room([level(GLOBAL, **full), level(**lost)], 1)
    assert mixed is not None
    assert (mixed.reason, mixed.policy) == ("loss_cap_reached", "E")


@given(levels=st.lists(st.builds(level, usage=SOME_USAGE), min_size=1, max_size=2), caps=SOME_CAPS, amount=FIGURES)
def test_what_fits_stays_within_every_cap_and_what_does_not_would_pass_one(
    levels: list[Level], caps: Caps, amount: int
) -> None:
    levels = [Level(row.policy, row.enabled, row.reason, caps, row.usage) for row in levels]
    over = []
    for row in levels:
        after = {
            "max_daily_exposure": row.usage.exposure_used + amount,
            "max_open_risk": row.usage.open_risk_reserved + amount,
            "max_amount_per_action": amount,
            "max_actions_per_day": row.usage.actions_count + 1,
            "max_actions_per_minute": row.usage.actions_last_minute + 1,
            "max_daily_loss": row.usage.realized_loss + 1,
        }
        over += [cap for cap, total in after.items() if (limit := getattr(caps, cap)) is not None and total > limit]
    denial = rules.room(levels, amount)
    assert (denial is None) == (not over)
    assert denial is None or denial.cap in over


KILLED, NOT_LIVE, TRIPPED = Held(10, "kill_switch_engaged", "k"), Held(20, "go_live_disabled", "g"), Held(40, "t", "t")
DISABLED = Held(30, "policy_disabled", "by hold")


@pytest.mark.parametrize(
    ("held", "missing", "enabled", "reason", "policy"),
    [
        ([TRIPPED, DISABLED, NOT_LIVE, KILLED], "E", False, "kill_switch_engaged", ""),
        ([TRIPPED, DISABLED, NOT_LIVE], "E", False, "go_live_disabled", ""),
        ([TRIPPED, DISABLED], "E", False, "policy_missing", "E"),
        ([TRIPPED, DISABLED], None, False, "policy_disabled", GLOBAL),
        ([TRIPPED, DISABLED], None, True, "policy_disabled", ""),
        ([TRIPPED], None, True, "t", ""),
        ([], None, False, "policy_disabled", GLOBAL),
        ([], "E", True, "policy_missing", "E"),
    ],
)
def test_the_first_stop_is_named(
    held: list[Held], missing: str | None, enabled: bool, reason: str, policy: str
) -> None:
    found = rules.stop([level(GLOBAL, enabled=enabled, reason="off")], missing, held)
    assert found is not None
    assert (found.reason, found.policy) == (reason, policy)


def test_nothing_stops_an_enabled_engine() -> None:
    assert rules.stop([level(GLOBAL), level()], None, []) is None


def test_a_stale_epoch_is_named_after_the_switches_and_before_the_policies() -> None:
    levels = [level(GLOBAL, enabled=False)]
    for held, missing, reason in (([NOT_LIVE], "E", "go_live_disabled"), ([TRIPPED, DISABLED], "E", "stale_epoch")):
        found = rules.stop(levels, missing, held, stale=True)
        assert found is not None
        assert found.reason == reason


def test_a_disabled_global_is_named_before_a_disabled_engine() -> None:
    found = rules.stop([level(GLOBAL, enabled=False), level(enabled=False)], None, [])
    assert found is not None
    assert found.policy == GLOBAL


@pytest.mark.parametrize(("limit", "used", "left"), [(None, 5, None), (10, 4, 6), (10, 10, 0), (10, 11, 0), (0, 0, 0)])
def test_what_is_left_is_never_negative(limit: int | None, used: int, left: int | None) -> None:
    assert rules.left(limit, used) == left


@pytest.mark.parametrize(
    ("standing", "value", "loosens"),
    [(100, 101, True), (100, 100, False), (100, 99, False), (100, None, True), (None, None, False), (None, 5, False),
     (0, 1, True), (0, 0, False)],
)  # fmt: skip
@pytest.mark.parametrize("cap", CAPS)
def test_a_raised_or_lifted_cap_loosens(cap: str, standing: int | None, value: int | None, loosens: bool) -> None:
    assert rules.loosens({cap: standing}, {cap: value}) == (frozenset({cap}) if loosens else frozenset())


@pytest.mark.parametrize(
    ("standing", "value", "loosens"), [(False, True, True), (True, True, False), (True, False, False)]
)
def test_enabling_loosens(standing: bool, value: bool, loosens: bool) -> None:
    assert bool(rules.loosens({"enabled": standing}, {"enabled": value})) is loosens


def test_only_the_loosening_fields_are_named() -> None:
    standing = {"max_daily_loss": 5, "max_open_risk": 5, "enabled": False}
    patch = {"max_daily_loss": 4, "max_open_risk": 6, "enabled": True}
    assert rules.loosens(standing, patch) == {"max_open_risk", "enabled"}
