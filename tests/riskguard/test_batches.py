"""A batch of orders: each decided in its turn as if it came alone, in one transaction, with an answer of its own."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from governance.errors import Invalid
from riskguard import services
from riskguard.decisions import Order
from riskguard.models import RiskEvent, RiskReservation
from riskguard.rules import GLOBAL
from tests.riskguard.asking import PROBLEM, RISK, ask
from tests.riskguard.factories import counters, policy, reserve, reserved, uncapped
from tests.tables import tables

pytestmark = pytest.mark.usefixtures("live")
BATCH = RISK + "check-and-reserve/batch"


@pytest.fixture(autouse=True)
def _no_caps(live: None) -> None:
    uncapped("WHOLESALE", "CAPITAL")


def order(engine: str = "WHOLESALE", amount: int = 1_000, **more: Any) -> Order:
    return Order(**{"engine": engine, "amount": amount, "actor": "bot", **more})


def send(api: APIClient, *items: Any, **more: Any) -> Any:
    return api.post(BATCH, {"actor": "bot", "items": items, **more})


def item(engine: str = "WHOLESALE", amount: Any = 1_000, **more: Any) -> dict[str, Any]:
    return {"engine": engine, "amount": amount, **more}


def test_each_is_decided_in_its_turn_and_a_refusal_stops_no_other() -> None:
    policy("WHOLESALE", max_daily_exposure=1_000)
    policy(GLOBAL, max_daily_exposure=1_500)
    rulings = services.reserve_many(
        orders=[order(amount=700), order(amount=301), order("UNKNOWN"), order(amount=300), order("CAPITAL", 501),
                order("CAPITAL", 500)]
    )  # fmt: skip
    assert [ruling.reason for ruling in rulings] == [
        "reserved", "would_exceed_policy", "policy_missing", "reserved", "would_exceed_policy", "reserved",
    ]  # fmt: skip
    assert rulings[4].denial is not None
    assert (rulings[1].denial.used, rulings[4].denial.policy) == (700, GLOBAL)  # type: ignore[union-attr]
    assert [ruling.ledger and ruling.ledger.usage.exposure_used for ruling in rulings] == [700, 700, None, 1000, 0, 500]
    assert (counters(GLOBAL), counters(), counters("CAPITAL")) == (
        (1_500, 1_500, 0, 3), (1_000, 1_000, 0, 2), (500, 500, 0, 1),
    )  # fmt: skip
    assert list(RiskEvent.objects.order_by("pk").values_list("amount", "kind")) == [
        (700, "RESERVE"), (301, "DENY"), (1_000, "DENY"), (300, "RESERVE"), (501, "DENY"), (500, "RESERVE"),
    ]  # fmt: skip


def test_a_key_is_one_reservation_within_a_batch_and_over_batches() -> None:
    earlier = reserved(amount=5, idempotency_key="old")
    rulings = services.reserve_many(
        orders=[order(amount=5, idempotency_key="old"), order(idempotency_key="k"), order(idempotency_key="k"), order(),
                order(amount=999, idempotency_key="k"), order(amount=2)]
    )  # fmt: skip
    assert rulings[0].reservation == earlier
    assert rulings[1].reservation == rulings[2].reservation != rulings[3].reservation
    assert [ruling.replayed for ruling in rulings] == [True, False, True, False, False, False]
    conflict = rulings[4]
    assert (conflict.ok, conflict.reason, conflict.reservation) == (False, "idempotency_key_reused", None)
    assert "a key of its own" in conflict.message
    assert RiskReservation.objects.count() == 4
    assert RiskEvent.objects.count() == 4


@pytest.mark.no_cover
# How many there may be is asked before the database; the law takes seconds for so many.
@pytest.mark.parametrize("number", [1, pytest.param(1_000, marks=pytest.mark.postgresql)])
def test_a_batch_holds_one_to_a_thousand(number: int) -> None:
    assert all(ruling.ok for ruling in services.reserve_many(orders=[order(amount=1)] * number))
    assert counters(GLOBAL) == (number, number, 0, number)


@pytest.mark.parametrize("number", [0, 1_001])
def test_a_batch_of_none_or_too_many_is_malformed(number: int) -> None:
    before = tables()
    with pytest.raises(Invalid) as said:
        services.reserve_many(orders=[order()] * number)
    assert list(said.value.errors) == ["items"]
    assert tables() == before


def test_one_malformed_order_names_its_place_and_nothing_is_decided() -> None:
    before = tables()
    with pytest.raises(Invalid) as said:
        services.reserve_many(orders=[order(), order(GLOBAL), order(amount=0), order(amount=True), order(dry_run=True)])
    assert list(said.value.errors) == ["items.1.engine", "items.2.amount", "items.3.amount", "items.4.dry_run"]
    assert tables() == before


def test_over_http_each_answer_is_the_one_of_a_single_call(api: APIClient) -> None:
    policy("WHOLESALE", max_open_risk=1_000)
    answer = send(api, item(correlation_id="deal-7"), item(" wholesale ", "1"), item("nobody"))
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["reserved"], told["refused"]) == (1, 2)
    assert [one["reason"] for one in told["answers"]] == ["reserved", "would_exceed_policy", "policy_missing"]
    again = ask(api, amount=1)
    assert told["answers"][1] == again
    assert set(told["answers"][0]) == set(again)
    held = RiskReservation.objects.get(pk=told["answers"][0]["reservation_id"])
    assert (held.correlation_id, held.actor) == ("deal-7", "bot")


@pytest.mark.sqlite  # what is malformed never reaches the database
@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (item(amount=0), "items.1.amount"),
        (item(amount="1.5"), "items.1.amount"),
        (item("A B"), "items.1.engine"),
        (item("global"), "items.1.engine"),
        ({"engine": "WHOLESALE"}, "items.1.amount"),
        (item(dry_run=True), "items.1.dry_run"),
        (item(idempotency_key="k" * 256), "items.1.idempotency_key"),
        ("WHOLESALE", "items.1.non_field_errors"),
        (None, "items.1"),
    ],
)
def test_a_malformed_item_is_a_400_that_names_its_place_and_field(bad: Any, field: str, api: APIClient) -> None:
    reserve()
    before = tables()
    answer = send(api, item(), bad, item())
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
    assert list(answer.json()["errors"]) == [field]
    assert tables() == before


@pytest.mark.parametrize("items", [[], None, {}, "x", [item()] * 1_001])
def test_a_body_without_one_to_a_thousand_items_is_a_400(items: Any, api: APIClient) -> None:
    answer = api.post(BATCH, {"actor": "bot", "items": items})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["items"]


def test_a_key_in_the_header_of_a_batch_is_a_400(api: APIClient) -> None:
    answer = api.post(BATCH, {"items": [item()]}, headers={"Idempotency-Key": "k"})
    assert list(answer.json()["errors"]) == ["Idempotency-Key"]
    assert not RiskReservation.objects.exists()
