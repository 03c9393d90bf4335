"""One key, one reservation; and a replay never turns a stop into a go."""

from __future__ import annotations

import pytest
from django.conf import LazySettings

from golive.services import disable, engage_kill_switch
from governance import clock, holds
from governance.errors import Conflict
from riskguard import services
from riskguard.models import RiskEvent, RiskReservation
from riskguard.rules import GLOBAL
from tests.riskguard.factories import HOUR, NOON, counters, policy, reserve, reserved, uncapped
from tests.tables import tables

pytestmark = pytest.mark.usefixtures("live")


@pytest.fixture(autouse=True)
def _an_hour_to_live(live: None, settings: LazySettings) -> None:
    settings.VALHALLA_RESERVATION_TTL_SECONDS = 3_600
    uncapped("WHOLESALE", "CAPITAL")


def test_the_same_key_and_body_is_the_same_reservation_and_takes_nothing_more() -> None:
    first = reserve(idempotency_key="k", correlation_id="c")
    before = tables()
    again = reserve(idempotency_key="k", correlation_id="c")
    assert (again.ok, again.reason, again.replayed) == (True, "reserved", True)
    assert again.reservation == first.reservation
    assert not first.replayed
    assert tables() == before
    assert counters() == (1_000, 1_000, 0, 1)


def test_a_replay_is_answered_where_the_caps_are_full() -> None:
    policy("WHOLESALE", max_daily_exposure=1_000)
    first = reserve(idempotency_key="k")
    assert not reserve(idempotency_key="other").ok
    assert reserve(idempotency_key="k").reservation == first.reservation


@pytest.mark.parametrize("other", [{"amount": 999}, {"engine": "CAPITAL"}, {"correlation_id": "other"}])
def test_the_same_key_with_another_body_is_a_conflict(other: dict[str, object]) -> None:
    reserve(idempotency_key="k", correlation_id="c")
    before = tables()
    with pytest.raises(Conflict) as said:
        reserve(**{"idempotency_key": "k", "correlation_id": "c", **other})  # type: ignore[arg-type]
    assert said.value.code == "idempotency_key_reused"
    assert tables() == before


def test_a_key_belongs_to_its_caller() -> None:
    mine, theirs = (reserve(idempotency_key="k", actor=who).reservation for who in ("one", "another"))
    assert mine != theirs
    assert reserve(idempotency_key="k", actor="one").reservation == mine


@pytest.mark.parametrize("key", [None, ""])
def test_without_a_key_every_call_is_its_own(key: str | None) -> None:
    assert reserve(idempotency_key=key).reservation != reserve(idempotency_key=key).reservation
    assert set(RiskReservation.objects.values_list("idempotency_key", flat=True)) == {None}


def test_a_refusal_is_not_pinned() -> None:
    policy("WHOLESALE", max_daily_exposure=999)
    assert not reserve(idempotency_key="k").ok
    assert not reserve(idempotency_key="k").ok
    assert RiskEvent.objects.filter(kind="DENY").count() == 2
    policy("WHOLESALE")
    granted = reserve(idempotency_key="k")
    assert (granted.ok, granted.replayed) == (True, False)


def test_the_key_of_a_refusal_may_come_with_another_body() -> None:
    policy("WHOLESALE", max_daily_exposure=999)
    reserve(idempotency_key="k", amount=1_000)
    assert reserve(idempotency_key="k", amount=999).ok


def _settle(held: RiskReservation) -> None:
    services.settle(reservation_id=held.pk, realized_loss=0, actor="bot")


def _release(held: RiskReservation) -> None:
    services.release(reservation_id=held.pk, actor="bot")


def _expire(_held: RiskReservation) -> None:
    with clock.at(NOON + HOUR):
        services.expire_some()


def _hold(_held: RiskReservation) -> None:
    holds.place(scope="WHOLESALE", source="regression", code="tripwire_triggered", reason="r", rank=40)


def _kill(_held: RiskReservation) -> None:
    engage_kill_switch(actor="ops", reason="r")


def _close(_held: RiskReservation) -> None:
    disable(actor="ops", reason="r")


def _disable(_held: RiskReservation) -> None:
    policy("WHOLESALE", enabled=False)


def _disable_all(_held: RiskReservation) -> None:
    policy(GLOBAL, enabled=False)


@pytest.mark.parametrize(
    ("then", "reason", "status"),
    [
        (_settle, "reservation_settled", "SETTLED"),
        (_release, "reservation_released", "RELEASED"),
        (_expire, "reservation_expired", "EXPIRED"),
        (_hold, "tripwire_triggered", "OPEN"),
        (_kill, "kill_switch_engaged", "OPEN"),
        (_close, "go_live_disabled", "OPEN"),
        (_disable, "policy_disabled", "OPEN"),
        (_disable_all, "policy_disabled", "OPEN"),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_replay_never_turns_a_stop_into_a_go(then: object, reason: str, status: str, dry_run: bool) -> None:
    held = reserved(idempotency_key="k")
    then(held)  # type: ignore[operator]
    before = tables()
    again = reserve(idempotency_key="k", dry_run=dry_run)
    assert (again.ok, again.reason, again.replayed) == (False, reason, True)
    assert again.reservation == held
    assert again.reservation.status == status  # type: ignore[union-attr]
    assert again.message
    assert tables() == before


def test_a_replay_is_a_go_again_once_the_hold_is_lifted() -> None:
    held = reserved(idempotency_key="k")
    _hold(held)
    assert not reserve(idempotency_key="k").ok
    holds.lift(scope="WHOLESALE", source="regression", code="tripwire_triggered")
    assert reserve(idempotency_key="k").ok


def test_a_dry_run_uses_no_key_up() -> None:
    assert reserve(idempotency_key="k", dry_run=True).ok
    assert reserve(idempotency_key="k", amount=5).ok
