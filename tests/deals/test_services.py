from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection

from examples.deals import services
from examples.deals.models import Deal
from examples.deals.services import Offer, Refusal
from golive.services import engage_kill_switch, release_kill_switch
from governance import epoch, holds
from governance.errors import Conflict, NotFound
from heimdall.models import HeimdallRecommendation
from regression.models import KpiEvent
from riskguard import services as riskguard
from riskguard.models import RiskReservation
from tests.heimdall.factories import earned
from tests.riskguard.factories import counters, go_live, policy, uncapped
from tests.riskguard.racing import differences, errors, race

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]
OFFER = Offer(title="Forty pallets", amount=5_000, realized_loss=120)


def make(offer: Offer = OFFER, **more: Any) -> Deal | Refusal:
    return services.make(**{"offer": offer, "actor": "bot", **more})


def booked(offer: Offer = OFFER, **more: Any) -> Deal:
    deal = make(offer, **more)
    assert isinstance(deal, Deal), deal
    return deal


def refused(offer: Offer = OFFER, **more: Any) -> tuple[str, str]:
    refusal = make(offer, **more)
    assert isinstance(refusal, Refusal), refusal
    assert refusal.message
    return refusal.lever, refusal.reason


def statuses() -> list[str]:
    return list(RiskReservation.objects.order_by("pk").values_list("status", flat=True))


def on(wanted: HeimdallRecommendation) -> Offer:
    return dataclasses.replace(OFFER, recommendation_id=wanted.pk)


def nothing_is_left() -> None:
    """Assert that no deal was booked, and that all that was taken was given back."""
    assert not Deal.objects.exists()
    assert not KpiEvent.objects.exists()
    assert "OPEN" not in statuses()
    assert (counters() or (0, 0, 0))[:3] == (0, 0, 0)
    assert differences() == []


def test_an_offer_is_reserved_booked_settled_and_reported() -> None:
    deal = booked()
    assert (deal.title, deal.amount, deal.realized_loss, deal.signed, deal.actor) == (
        "Forty pallets", 5_000, 120, True, "bot",
    )  # fmt: skip
    held = RiskReservation.objects.get(pk=deal.reservation_id)
    assert (held.status, held.amount, held.realized_loss) == ("SETTLED", 5_000, 120)
    assert counters() == (5_000, 0, 120, 1)
    event = KpiEvent.objects.get()
    assert (event.domain, event.metric, event.success, event.actor) == ("WHOLESALE", "contract_rate", True, "bot")
    assert differences() == []


def test_an_offer_that_was_not_signed_is_reported_as_such() -> None:
    booked(dataclasses.replace(OFFER, signed=False))
    assert KpiEvent.objects.get().success is False


@pytest.mark.parametrize("signed", [True, False])
def test_what_came_of_a_recommendation_is_told_once(signed: bool) -> None:
    wanted = earned("PRICING", engine="WHOLESALE")
    offer = dataclasses.replace(on(wanted), signed=signed)
    for _time in range(2):
        booked(offer, idempotency_key="k")
    wanted.refresh_from_db()
    assert wanted.outcome is signed
    told = KpiEvent.objects.order_by("pk").values_list("metric", "success")
    assert list(told) == [("contract_rate", signed), ("recommendation_success", signed)]


class TestEveryLeverRefuses:
    def test_the_risk_guard_over_a_cap_by_one_minor_unit(self) -> None:
        policy("WHOLESALE", max_amount_per_action=4_999)
        assert refused() == ("riskguard", "would_exceed_policy")
        nothing_is_left()

    def test_the_kill_switch(self) -> None:
        engage_kill_switch(actor="ops", reason="drill")
        assert refused() == ("riskguard", "kill_switch_engaged")
        nothing_is_left()

    def test_a_tripwires_hold(self) -> None:
        holds.place(scope="WHOLESALE", source="regression", code="tripwire_triggered", reason="fell", rank=40)
        assert refused() == ("riskguard", "tripwire_triggered")
        nothing_is_left()

    @pytest.mark.parametrize(
        ("charter", "reason"),
        [
            ({"prod_use_enabled": False}, "prod_use_disabled"),
            ({"min_sandbox_trials": 11}, "insufficient_sandbox_trials"),
        ],
    )
    def test_heimdall(self, charter: dict[str, Any], reason: str) -> None:
        assert refused(on(earned("PRICING", engine="WHOLESALE", **charter))) == ("heimdall", reason)
        assert statuses() == ["RELEASED"]
        nothing_is_left()

    def test_a_recommendation_that_was_used(self) -> None:
        wanted = earned("PRICING", engine="WHOLESALE")
        booked(on(wanted))
        assert refused(on(wanted)) == ("heimdall", "already_used")
        assert statuses() == ["SETTLED", "RELEASED"]
        assert counters() == (5_000, 0, 120, 2)

    def test_a_recommendation_that_is_not_there(self) -> None:
        with pytest.raises(NotFound):
            make(dataclasses.replace(OFFER, recommendation_id=999))
        assert statuses() == ["RELEASED"]
        nothing_is_left()

    @pytest.mark.parametrize(
        ("stop", "reason"),
        [
            (partial(engage_kill_switch, actor="ops", reason="drill"), "kill_switch_engaged"),
            (partial(holds.place, scope="WHOLESALE", source="x", code="held", reason="r", rank=40), "held"),
        ],
    )
    def test_a_stop_between_the_reservation_and_the_authorization(
        self, stop: Callable[[], object], reason: str
    ) -> None:
        wanted = earned("PRICING", engine="WHOLESALE")
        stopped: list[object] = []

        def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            if "heimdall_recommendation" in sql and not stopped:
                stopped.append(None)
                stopped[0] = stop()
            return execute(sql, params, many, context)

        with connection.execute_wrapper(watch):
            assert refused(on(wanted)) == ("heimdall", reason)
        assert stopped
        assert statuses() == ["RELEASED"]
        nothing_is_left()


def test_what_was_admitted_before_the_switches_were_turned_is_refused_after_it() -> None:
    admitted_under = epoch.current()
    assert booked(epoch=admitted_under).amount == 5_000
    engage_kill_switch(actor="ops", reason="drill")
    assert refused(epoch=admitted_under) == ("riskguard", "kill_switch_engaged")
    release_kill_switch(actor="ops", reason="over")
    assert refused(epoch=admitted_under) == ("riskguard", "stale_epoch")
    assert booked(epoch=epoch.current()).amount == 5_000


@pytest.mark.django_db(transaction=True)
def test_a_booking_that_fails_gives_back_what_was_reserved() -> None:
    with pytest.raises(IntegrityError):
        make(dataclasses.replace(OFFER, realized_loss=-1))
    assert statuses() == ["RELEASED"]
    nothing_is_left()


@pytest.mark.django_db(transaction=True)
def test_a_booking_that_is_not_known_to_have_failed_gives_nothing_back() -> None:
    def lose(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith("INSERT INTO") and Deal._meta.db_table in sql:
            raise OperationalError("the connection was lost")
        return execute(sql, params, many, context)

    with pytest.raises(OperationalError) as raised, connection.execute_wrapper(lose):
        make()
    assert statuses() == ["OPEN"]
    assert "is still open" in raised.value.__notes__[0]


class TestARetry:
    def test_the_same_key_and_offer_book_one_deal(self) -> None:
        first = booked(idempotency_key="k")
        assert booked(idempotency_key="k") == first
        assert (Deal.objects.count(), KpiEvent.objects.count(), statuses()) == (1, 1, ["SETTLED"])
        assert counters() == (5_000, 0, 120, 1)

    def test_a_key_belongs_to_its_caller(self) -> None:
        first, second = booked(idempotency_key="k"), booked(idempotency_key="k", actor="another")
        assert first.pk != second.pk

    @pytest.mark.parametrize(
        "other",
        [
            {"amount": 5_001},
            {"title": "Fifty pallets"},
            {"realized_loss": 121},
            {"signed": False},
            {"recommendation_id": 7},
        ],
    )
    def test_the_same_key_with_another_offer_is_a_conflict(self, other: dict[str, Any]) -> None:
        booked(idempotency_key="k")
        with pytest.raises(Conflict) as raised:
            make(dataclasses.replace(OFFER, **other), idempotency_key="k")
        assert raised.value.code == "idempotency_key_reused"
        assert (Deal.objects.count(), statuses()) == (1, ["SETTLED"])

    def test_titles_that_differ_late_are_other_offers(self) -> None:
        booked(dataclasses.replace(OFFER, title="x" * 64 + "a"), idempotency_key="k")
        with pytest.raises(Conflict):
            make(dataclasses.replace(OFFER, title="x" * 64 + "b"), idempotency_key="k")

    def test_a_deal_that_was_booked_is_answered_though_a_stop_came_since(self) -> None:
        first = booked(idempotency_key="k")
        engage_kill_switch(actor="ops", reason="drill")
        assert booked(idempotency_key="k") == first

    def test_a_first_call_that_has_not_ended_is_not_joined(self) -> None:
        riskguard.reserve(
            engine="WHOLESALE", amount=5_000, actor="bot", idempotency_key="k", correlation_id="Forty pallets"
        )
        with pytest.raises(Conflict) as raised:
            make(idempotency_key="k")
        assert raised.value.code == "in_progress"
        assert (Deal.objects.count(), statuses()) == (0, ["OPEN"])

    def test_a_booking_whose_call_broke_off_is_settled(self) -> None:
        first = booked(idempotency_key="k")
        held = riskguard.reserve(
            engine="WHOLESALE", amount=5_000, actor="bot", idempotency_key="l", correlation_id="Forty pallets"
        ).reservation
        assert held is not None
        Deal.objects.filter(pk=first.pk).update(reservation_id=held.pk)
        assert booked(idempotency_key="l").pk == first.pk
        assert statuses() == ["SETTLED", "SETTLED"]

    def test_a_refused_offer_is_decided_anew(self) -> None:
        policy("WHOLESALE", enabled=False)
        assert refused(idempotency_key="k") == ("riskguard", "policy_disabled")
        uncapped("WHOLESALE")
        assert booked(idempotency_key="k").amount == 5_000


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("recommended", [False, True])
def test_sixteen_callers_with_one_key_book_one_deal(recommended: bool) -> None:
    for number in range(3):
        go_live()
        uncapped("WHOLESALE")
        offer = on(earned(f"PRICING_{number}", engine="WHOLESALE")) if recommended else OFFER
        answers = race(*[partial(make, offer, idempotency_key=f"k{number}")] * 16)
        assert all(isinstance(error, Conflict) and error.code == "in_progress" for error in errors(answers)), answers
        assert len({answer.pk for answer in answers if isinstance(answer, Deal)}) == 1
        assert Deal.objects.count() == number + 1
        assert statuses() == ["SETTLED"] * (number + 1)
        assert differences() == []
