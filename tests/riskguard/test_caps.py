"""Each cap at each level: at the edge, in words, of whom it counts what."""

from __future__ import annotations

from typing import Any

import pytest

from governance import clock
from riskguard.models import RiskEvent
from riskguard.rules import CAPS, GLOBAL
from tests.riskguard.factories import NOON, SECOND, counters, policy, reserve, reserved, settled, uncapped

pytestmark = pytest.mark.usefixtures("live")
LEVELS = [GLOBAL, "WHOLESALE"]


@pytest.fixture(autouse=True)
def _no_caps(live: None) -> None:
    uncapped("WHOLESALE", "CAPITAL")


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("amount", "ok"), [(399, True), (400, True), (401, False)])
def test_daily_exposure_at_one_under_and_one_over(level: str, amount: int, ok: bool) -> None:
    policy(level, max_daily_exposure=1_000)
    settled(amount=600)
    _one_of(reserve(amount=amount), ok, level, "max_daily_exposure", 1_000, 600)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("amount", "ok"), [(399, True), (400, True), (401, False)])
def test_open_risk_at_one_under_and_one_over(level: str, amount: int, ok: bool) -> None:
    settled(amount=5_000)
    reserved(amount=600)
    policy(level, max_open_risk=1_000)
    _one_of(reserve(amount=amount), ok, level, "max_open_risk", 1_000, 600)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("amount", "ok"), [(999, True), (1_000, True), (1_001, False)])
def test_amount_per_action_at_one_under_and_one_over(level: str, amount: int, ok: bool) -> None:
    policy(level, max_amount_per_action=1_000)
    reserved(amount=700)
    _one_of(reserve(amount=amount), ok, level, "max_amount_per_action", 1_000, 0)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("cap", ["max_actions_per_day", "max_actions_per_minute"])
@pytest.mark.parametrize(("before", "ok"), [(1, True), (2, True), (3, False)])
def test_actions_at_one_under_and_one_over(level: str, cap: str, before: int, ok: bool) -> None:
    policy(level, **{cap: 3})
    for _ in range(before):
        reserved(amount=1)
    _one_of(reserve(amount=1), ok, level, cap, 3, before)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(("loss", "ok"), [(199, True), (200, False), (201, False)])
def test_daily_loss_at_one_under_and_one_over(level: str, loss: int, ok: bool) -> None:
    policy(level, max_daily_loss=200)
    settled(loss=loss)
    _one_of(reserve(amount=1), ok, level, "max_daily_loss", 200, loss, reason="loss_cap_reached")


def _one_of(
    ruling: Any, ok: bool, level: str, cap: str, limit: int, used: int, reason: str = "would_exceed_policy"
) -> None:
    assert ruling.ok is ok
    if ok:
        assert ruling.reason == "reserved"
        return
    assert ruling.reason == reason
    denial = ruling.denial
    assert (denial.policy, denial.cap, denial.limit, denial.used) == (level, cap, limit, used)
    assert ruling.reservation is None
    event = RiskEvent.objects.get(kind="DENY")
    assert (event.reason, event.policy, event.cap, event.limit, event.used) == (reason, level, cap, limit, used)
    assert (event.engine, event.amount, event.actor) == ("WHOLESALE", ruling.order.amount, "bot")
    assert level in ruling.message


@pytest.mark.parametrize(
    ("caps", "amount", "message"),
    [
        ({"max_daily_exposure": 100_000}, 90_000, "WHOLESALE's daily exposure cap is 1,000.00 USD: 500.00 USD is used "
         "and 500.00 USD is left; 900.00 USD was asked for."),
        ({"max_open_risk": 50_001}, 2, "WHOLESALE's open risk cap is 500.01 USD: 500.00 USD is used and 0.01 USD is "
         "left; 0.02 USD was asked for."),
        ({"max_actions_per_day": 1}, 1, "WHOLESALE's actions per day cap is 1: 1 is used and 0 is left; 1 was asked "
         "for."),
        ({"max_amount_per_action": 100}, 101, "WHOLESALE allows at most 1.00 USD per action; 1.01 USD was asked for."),
        ({"max_daily_loss": 0}, 1, "WHOLESALE has lost 0.00 USD today and its daily loss cap is 0.00 USD."),
    ],
)  # fmt: skip
def test_the_message_names_policy_cap_used_and_left(caps: dict[str, int], amount: int, message: str) -> None:
    reserved(amount=50_000)
    policy("WHOLESALE", **caps)
    assert reserve(amount=amount).message == message


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("cap", CAPS)
def test_a_cap_of_zero_allows_nothing(level: str, cap: str) -> None:
    policy(level, **{cap: 0})
    ruling = reserve(amount=1)
    assert not ruling.ok
    assert ruling.denial is not None
    assert (ruling.denial.policy, ruling.denial.cap) == (level, cap)


def test_without_caps_the_largest_amount_passes_again_and_again() -> None:
    for _ in range(3):
        reserved(amount=10**15)
    assert counters() == counters(GLOBAL) == (3 * 10**15, 3 * 10**15, 0, 3)


def test_engines_share_the_ceiling_and_nothing_else() -> None:
    policy(GLOBAL, max_daily_exposure=1_000)
    policy("WHOLESALE", max_daily_exposure=600)
    reserved("WHOLESALE", 600)
    assert reserve("WHOLESALE", 1).denial.policy == "WHOLESALE"  # type: ignore[union-attr]
    reserved("CAPITAL", 400)
    assert reserve("CAPITAL", 1).denial.policy == GLOBAL  # type: ignore[union-attr]
    assert (counters(GLOBAL), counters("WHOLESALE"), counters("CAPITAL")) == (
        (1_000, 1_000, 0, 2), (600, 600, 0, 1), (400, 400, 0, 1),
    )  # fmt: skip


def test_actions_of_other_engines_count_for_global_alone() -> None:
    policy(GLOBAL, max_actions_per_minute=2)
    policy("WHOLESALE", max_actions_per_minute=2)
    reserved("CAPITAL", 1)
    reserved("WHOLESALE", 1)
    assert reserve("WHOLESALE", 1).denial.policy == GLOBAL  # type: ignore[union-attr]


def test_a_minute_is_sixty_seconds_back_from_now() -> None:
    policy("WHOLESALE", max_actions_per_minute=1)
    reserved()
    with clock.at(NOON + 59 * SECOND):
        assert reserve().reason == "would_exceed_policy"
    with clock.at(NOON + 60 * SECOND):
        reserved()
