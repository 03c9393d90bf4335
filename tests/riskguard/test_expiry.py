"""Reservations whose time is over: open risk comes back, exposure stays, and a person is asked to look."""

from __future__ import annotations

import pytest
from django.conf import LazySettings

from governance import clock
from governance.errors import Conflict
from riskguard import ledger, services
from riskguard.models import RiskEvent, RiskReservation
from riskguard.rules import GLOBAL
from tests.riskguard.factories import (
    DAY,
    HOUR,
    NOON,
    SECOND,
    TODAY,
    counters,
    policy,
    reserve,
    reserved,
    settled,
    uncapped,
)
from tests.tables import tables

pytestmark = pytest.mark.usefixtures("live")


@pytest.fixture(autouse=True)
def _an_hour_to_live(live: None, settings: LazySettings) -> None:
    settings.VALHALLA_RESERVATION_TTL_SECONDS = 3_600
    uncapped("WHOLESALE", "CAPITAL")


def expire() -> int:
    total = 0
    while some := services.expire_some():
        total += some
    return total


@pytest.mark.parametrize(("late", "expired"), [(-SECOND, 0), (0 * SECOND, 1), (SECOND, 1)])
def test_a_reservation_expires_when_its_time_is_over_and_not_before(late: object, expired: int) -> None:
    reserved()
    with clock.at(NOON + HOUR + late):  # type: ignore[operator]
        assert expire() == expired


def test_expiry_gives_back_open_risk_keeps_exposure_and_asks_a_person_to_look() -> None:
    held = reserved(amount=700, correlation_id="deal-7")
    with clock.at(NOON + HOUR):
        assert expire() == 1
    held.refresh_from_db()
    assert (held.status, held.needs_review, held.resolved_by) == ("EXPIRED", True, "expiry")
    assert (held.closed_at, held.closed_day, held.realized_loss) == (NOON + HOUR, TODAY, None)
    assert counters() == counters(GLOBAL) == (700, 0, 0, 1)
    event = RiskEvent.objects.get(kind="EXPIRE")
    assert (event.reservation, event.reason, event.amount, event.correlation_id) == (held, "expired", 700, "deal-7")
    assert (event.exposure_delta, event.open_risk_delta, event.loss_delta, event.actions_delta) == (0, -700, 0, 0)


def test_expiry_after_midnight_gives_open_risk_back_today() -> None:
    reserved(amount=700)
    with clock.at(NOON + DAY):
        expire()
        assert counters(day=TODAY + DAY) == counters(GLOBAL, TODAY + DAY) == (0, 0, 0, 0)
    assert counters() == counters(GLOBAL) == (700, 700, 0, 1)


def test_only_open_ones_expire_and_only_once() -> None:
    settled()
    services.release(reservation_id=reserved().pk, actor="bot")
    reserved()
    with clock.at(NOON + HOUR):
        assert expire() == 1
        before = tables()
        assert expire() == 0
        assert tables() == before


def test_more_than_a_batch_is_expired_batch_by_batch_the_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "EXPIRY_BATCH", 2)
    first = reserved("WHOLESALE", 1)
    for _ in range(4):
        reserved("CAPITAL", 1)
    with clock.at(NOON + HOUR):
        assert [services.expire_some() for _ in range(4)] == [2, 2, 1, 0]
    assert RiskEvent.objects.filter(kind="EXPIRE").order_by("pk").first().reservation == first  # type: ignore[union-attr]
    assert counters(GLOBAL) == (5, 0, 0, 5)


def test_an_expired_one_is_settled_once_and_frees_nothing_twice() -> None:
    held = reserved(amount=700)
    reserved(amount=11)
    with clock.at(NOON + 30 * SECOND * 60):
        reserved(amount=5)
    with clock.at(NOON + HOUR):
        expire()
        resolution = services.settle(reservation_id=held.pk, realized_loss=40, actor="bot")
        assert (resolution.reservation.status, resolution.reservation.needs_review) == ("SETTLED", False)
        assert counters() == counters(GLOBAL) == (716, 5, 40, 3)
        again = services.settle(reservation_id=held.pk, realized_loss=40, actor="bot")
        assert again.reservation.status == "SETTLED"
        with pytest.raises(Conflict):
            services.settle(reservation_id=held.pk, realized_loss=41, actor="bot")
        assert counters() == (716, 5, 40, 3)
    assert RiskEvent.objects.get(kind="SETTLE").open_risk_delta == 0


def test_an_expired_one_cannot_be_released_and_the_answer_says_what_to_do() -> None:
    held = reserved()
    with clock.at(NOON + HOUR):
        expire()
        with pytest.raises(Conflict, match="Settle it with a loss of 0") as said:
            services.release(reservation_id=held.pk, actor="bot")
    assert said.value.code == "already_expired"


@pytest.mark.parametrize("late", [False, True])
def test_an_overdue_one_that_is_still_open_can_be_settled_and_released(late: bool) -> None:
    one, other = reserved(amount=700), reserved(amount=300)
    with clock.at(NOON + (9 * DAY if late else HOUR)):
        services.settle(reservation_id=one.pk, realized_loss=0, actor="bot")
        services.release(reservation_id=other.pk, actor="bot")
        assert expire() == 0
    assert counters()[0] == 700  # type: ignore[index]


@pytest.mark.parametrize("level", [GLOBAL, "WHOLESALE"])
def test_overdue_ones_are_expired_where_an_open_risk_cap_would_refuse(level: str) -> None:
    policy(level, max_open_risk=1_000)
    held = reserved(amount=1_000)
    with clock.at(NOON + HOUR - SECOND):
        assert not reserve(amount=1).ok
    with clock.at(NOON + HOUR):
        ruling = reserve(amount=1_000)
        assert ruling.ok
        assert ruling.ledger.usage.open_risk_reserved == 1_000  # type: ignore[union-attr]
        assert not reserve(amount=1).ok
    held.refresh_from_db()
    assert (held.status, held.needs_review) == ("EXPIRED", True)
    assert counters() == counters(GLOBAL) == (2_000, 1_000, 0, 2)


def test_overdue_ones_of_another_engine_make_room_under_global() -> None:
    policy(GLOBAL, max_open_risk=1_000)
    reserved("CAPITAL", 1_000)
    with clock.at(NOON + HOUR):
        assert reserve("WHOLESALE", 1_000).ok
        assert counters("CAPITAL") == (1_000, 0, 0, 1)


def test_what_is_overdue_stays_open_while_no_open_risk_cap_refuses() -> None:
    policy("WHOLESALE", max_daily_exposure=1_000)
    reserved(amount=1_000)
    with clock.at(NOON + HOUR):
        assert reserve(amount=1).denial.cap == "max_daily_exposure"  # type: ignore[union-attr]
        assert reserve("CAPITAL", 1).ok
    assert RiskReservation.objects.filter(status="EXPIRED").count() == 0


def test_expiry_makes_no_room_that_is_not_there() -> None:
    policy("WHOLESALE", max_open_risk=1_000)
    reserved(amount=600)
    with clock.at(NOON + 10 * SECOND):
        reserved(amount=400)
    with clock.at(NOON + HOUR):
        ruling = reserve(amount=601)
        assert not ruling.ok
        assert ruling.denial.used == 400  # type: ignore[union-attr]
        assert reserve(amount=600).ok


@pytest.mark.parametrize(("amount", "ok"), [(600, True), (601, False)])
def test_a_dry_run_reckons_with_what_would_expire_and_expires_nothing(amount: int, ok: bool) -> None:
    policy(GLOBAL, max_open_risk=1_000)
    reserved("CAPITAL", 600)
    with clock.at(NOON + 10 * SECOND):
        reserved(amount=400)
    with clock.at(NOON + HOUR):
        before = tables()
        assert reserve(amount=amount, dry_run=True).ok is ok
        assert tables() == before
        assert reserve(amount=amount).ok is ok
