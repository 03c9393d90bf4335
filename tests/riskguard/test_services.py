"""Reserving: each cap at each level, the order of the reasons, and what is recorded."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings

from golive.services import disable, engage_kill_switch, release_kill_switch
from governance import clock, epoch, holds
from governance.errors import Invalid, Unavailable
from governance.models import Epoch
from riskguard.models import RiskEvent, RiskPolicy, RiskReservation
from riskguard.rules import CAPS, GLOBAL
from tests.riskguard.factories import HOUR, NOON, SECOND, TODAY, counters, policy, reserve, reserved, settled, uncapped
from tests.tables import tables

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


def test_the_reasons_come_in_the_documented_order(settings: LazySettings) -> None:
    settled("WHOLESALE", 1_000, loss=500)
    policy("WHOLESALE", max_daily_loss=500, max_daily_exposure=1, enabled=False)
    disable(actor="ops", reason="r")
    engage_kill_switch(actor="ops", reason="r")
    assert reserve().reason == reserve("UNKNOWN").reason == "kill_switch_engaged"
    holds.lift(scope=holds.EVERYTHING, source="golive", code="kill_switch_engaged")
    assert reserve().reason == reserve("UNKNOWN").reason == "go_live_disabled"
    settings.GOVERNANCE_ENFORCED = False
    policy(GLOBAL, enabled=False)
    assert reserve("UNKNOWN").reason == "policy_missing"
    ruling = reserve()
    assert (ruling.reason, ruling.denial.policy) == ("policy_disabled", GLOBAL)  # type: ignore[union-attr]
    policy(GLOBAL)
    ruling = reserve()
    assert (ruling.reason, ruling.denial.policy) == ("policy_disabled", "WHOLESALE")  # type: ignore[union-attr]
    policy("WHOLESALE", max_daily_loss=500, max_daily_exposure=1)
    assert reserve().reason == "loss_cap_reached"
    policy("WHOLESALE", max_daily_loss=501, max_daily_exposure=1)
    assert reserve().reason == "would_exceed_policy"
    policy("WHOLESALE", max_daily_loss=501)
    assert reserve().reason == "reserved"


def test_a_stop_names_its_words() -> None:
    policy("WHOLESALE", enabled=False)
    assert reserve().message == "The WHOLESALE risk policy is disabled: tests"
    engage_kill_switch(actor="ops", reason="a fire")
    assert reserve().message == "WHOLESALE is held: kill switch engaged. a fire"
    assert "There is no risk policy" not in reserve("UNKNOWN").message


def test_what_was_admitted_under_an_older_epoch_is_refused_and_recorded() -> None:
    admitted = epoch.current()
    assert reserve(epoch=admitted).ok
    engage_kill_switch(actor="ops", reason="r")
    assert reserve(epoch=admitted).reason == "kill_switch_engaged"
    release_kill_switch(actor="ops", reason="r")
    ruling = reserve(epoch=admitted)
    assert (ruling.ok, ruling.reason, ruling.epoch) == (False, "stale_epoch", admitted + 2)
    assert ruling.message == (
        "The switches have changed since this request was admitted: nothing is reserved for WHOLESALE. Ask anew."
    )
    assert RiskEvent.objects.filter(kind="DENY", reason="stale_epoch").count() == 1
    assert reserve(epoch=admitted, dry_run=True).reason == "stale_epoch"
    assert reserve("UNKNOWN", epoch=admitted).reason == "stale_epoch"
    assert reserve(epoch=admitted + 2).ok
    assert reserve().ok


@pytest.mark.parametrize("dry_run", [False, True])
def test_without_the_epochs_row_nothing_is_decided(dry_run: bool) -> None:
    Epoch.objects.all().delete()
    before = tables()
    with pytest.raises(Unavailable, match="seed_governance"):
        reserve(dry_run=dry_run)
    assert tables() == before


def test_holds_of_the_switches_count_only_where_enforcement_is_on(settings: LazySettings) -> None:
    engage_kill_switch(actor="ops", reason="r")
    assert not reserve().ok
    settings.GOVERNANCE_ENFORCED = False
    assert reserve().ok


def test_a_hold_of_any_lever_refuses_its_engine_and_no_other(settings: LazySettings) -> None:
    settings.GOVERNANCE_ENFORCED = False
    holds.place(scope="WHOLESALE", source="fifth", code="out_of_stock", reason="No stock", rank=60, until=NOON + HOUR)
    ruling = reserve()
    assert (ruling.reason, ruling.message) == ("out_of_stock", "WHOLESALE is held: out of stock. No stock")
    assert reserve("CAPITAL").ok
    with clock.at(NOON + HOUR):
        assert reserve().ok


def test_a_refusal_changes_nothing_but_the_event_log() -> None:
    reserved(amount=600)
    policy("WHOLESALE", max_daily_exposure=1_000)
    before = tables(without=(RiskEvent,))
    assert not reserve(amount=401, idempotency_key="k").ok
    assert tables(without=(RiskEvent,)) == before
    assert RiskEvent.objects.filter(kind="DENY").count() == 1


def test_a_refused_amount_is_not_shrunk_to_fit() -> None:
    policy("WHOLESALE", max_daily_exposure=1_000)
    assert not reserve(amount=1_500).ok
    assert reserve(amount=1_000).reservation.amount == 1_000  # type: ignore[union-attr]


def test_an_unknown_engine_is_refused_recorded_and_creates_nothing() -> None:
    before = tables(without=(RiskEvent,))
    ruling = reserve("UNKNOWN", 5)
    assert (ruling.ok, ruling.reason, ruling.policy, ruling.ledger) == (False, "policy_missing", None, None)
    assert ruling.message == "There is no risk policy for UNKNOWN: an operator must create and enable one."
    event = RiskEvent.objects.get()
    assert (event.kind, event.engine, event.reason, event.policy, event.amount) == (
        "DENY", "UNKNOWN", "policy_missing", "UNKNOWN", 5,
    )  # fmt: skip
    assert tables(without=(RiskEvent,)) == before


def test_a_missing_global_policy_refuses_every_engine() -> None:
    RiskPolicy.objects.filter(engine=GLOBAL).delete()
    ruling = reserve()
    assert (ruling.reason, ruling.denial.policy) == ("policy_missing", GLOBAL)  # type: ignore[union-attr]


def test_global_is_no_engine() -> None:
    before = tables()
    with pytest.raises(Invalid, match="ceiling"):
        reserve(GLOBAL)
    assert tables() == before


BAD = [True, False, 1.5, 2.0, float("nan"), Decimal("1.5"), "7", None, -1, 10**15 + 1]


@pytest.mark.parametrize("amount", [*BAD, 0])
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_service_takes_whole_minor_units_alone(amount: Any, dry_run: bool) -> None:
    before = tables()
    with pytest.raises(Invalid) as said:
        reserve(amount=amount, dry_run=dry_run)
    assert list(said.value.errors) == ["amount"]
    assert tables() == before


def test_a_grant_is_a_reservation_an_event_and_both_levels(settings: LazySettings) -> None:
    settings.VALHALLA_RESERVATION_TTL_SECONDS = 60
    ruling = reserve(amount=700, correlation_id="deal-7", idempotency_key="k")
    held = RiskReservation.objects.get()
    assert ruling.reservation == held
    assert (held.engine, held.amount, held.currency, held.day, held.status) == ("WHOLESALE", 700, "USD", TODAY, "OPEN")
    assert (held.actor, held.correlation_id, held.idempotency_key) == ("bot", "deal-7", "k")
    assert (held.created_at, held.expires_at, held.epoch) == (NOON, NOON + 60 * SECOND, ruling.epoch)
    event = RiskEvent.objects.get()
    assert (event.kind, event.reason, event.reservation, event.correlation_id) == (
        "RESERVE",
        "reserved",
        held,
        "deal-7",
    )
    assert (event.exposure_delta, event.open_risk_delta, event.loss_delta, event.actions_delta) == (700, 700, 0, 1)
    assert event.figures["WHOLESALE"]["exposure_used"] == event.figures[GLOBAL]["open_risk_reserved"] == 700
    assert counters() == counters(GLOBAL) == (700, 700, 0, 1)
    assert ruling.ledger is not None
    assert ruling.ledger.usage.exposure_used == 700


def test_a_dry_run_says_what_would_happen_and_changes_nothing() -> None:
    policy("WHOLESALE", max_daily_exposure=1_000)
    reserved(amount=600)
    before = tables()
    would, would_not = reserve(amount=400, dry_run=True), reserve(amount=401, dry_run=True, idempotency_key="k")
    unknown = reserve("UNKNOWN", 1, dry_run=True)
    assert (would.ok, would.reason, would.reservation) == (True, "reserved", None)
    assert would.message == "Would be granted. Reserved 4.00 USD for WHOLESALE."
    assert (would_not.ok, would_not.reason) == (False, "would_exceed_policy")
    assert (unknown.ok, unknown.reason) == (False, "policy_missing")
    assert tables() == before
