"""Reserving: the order of the reasons, what is refused, and what is recorded."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.conf import LazySettings

from golive.services import disable, engage_kill_switch, release_kill_switch
from governance import clock, epoch, holds
from governance.errors import Invalid, Unavailable
from governance.models import Epoch
from riskguard.models import RiskEvent, RiskPolicy, RiskReservation
from riskguard.rules import GLOBAL
from tests.riskguard.factories import HOUR, NOON, SECOND, TODAY, counters, policy, reserve, reserved, settled, uncapped
from tests.tables import tables

pytestmark = pytest.mark.usefixtures("live")


@pytest.fixture(autouse=True)
def _no_caps(live: None) -> None:
    uncapped("WHOLESALE", "CAPITAL")


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


@pytest.mark.sqlite  # what is malformed never reaches the database
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_service_takes_whole_minor_units_alone(dry_run: bool) -> None:
    before = tables()
    for amount in (*BAD, 0):
        with pytest.raises(Invalid) as said:
            reserve(amount=amount, dry_run=dry_run)
        assert list(said.value.errors) == ["amount"], amount
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
