from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from examples.deals.models import Deal
from golive.services import disable, engage_kill_switch, release_kill_switch
from riskguard.models import RiskReservation
from tests.access.factories import caller, stranger
from tests.heimdall.factories import earned
from tests.riskguard.asking import BAD_AMOUNTS, PROBLEM
from tests.riskguard.factories import policy, uncapped

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]
DEALS = "/api/deals"
OFFER = {"title": "Forty pallets", "amount": 5_000, "actor": "bot"}
DEAL = {
    "id", "title", "amount", "signed", "realized_loss", "reservation_id", "recommendation_id", "actor", "created_at",
}  # fmt: skip


def post(api: APIClient, expect: int = 201, headers: dict[str, str] | None = None, **more: Any) -> Any:
    answer = api.post(DEALS, {**OFFER, **more}, headers=headers)
    assert answer.status_code == expect, answer.content
    if expect >= 400:
        assert answer["Content-Type"] == PROBLEM
    return answer.json()


@pytest.mark.sqlite
@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"title": "Forty pallets", "amount": 5000, "signed": false, "actor": "bot"}', "application/json"),
        ("title=Forty pallets&amount=5000&signed=false&actor=bot", "application/x-www-form-urlencoded"),
    ],
)
def test_an_offer_is_booked_from_json_and_forms_alike(api: APIClient, body: str, kind: str, slash: str) -> None:
    answer = api.generic("POST", DEALS + slash, body, content_type=kind)
    told = answer.json()
    assert (answer.status_code, set(told)) == (201, DEAL)
    assert (told["title"], told["amount"], told["signed"], told["actor"]) == ("Forty pallets", 5_000, False, "bot")
    assert api.get(DEALS + slash).json()["results"] == [told]


def test_a_refusal_names_the_lever_and_the_reason(api: APIClient) -> None:
    told = post(api, 409, amount=2_000_000)
    assert (told["lever"], told["code"], told["status"]) == ("riskguard", "would_exceed_policy", 409)
    assert "daily exposure" in told["detail"]
    wanted = earned("PRICING", engine="WHOLESALE", prod_use_enabled=False)
    told = post(api, 409, recommendation_id=wanted.pk)
    assert (told["lever"], told["code"]) == ("heimdall", "prod_use_disabled")
    assert not Deal.objects.exists()
    assert not RiskReservation.objects.filter(status="OPEN").exists()


def test_the_gate_refuses_before_the_engine_is_asked(api: APIClient) -> None:
    engage_kill_switch(actor="ops", reason="drill")
    assert post(api, 403)["code"] == "KILL_SWITCH_ENGAGED"
    disable(actor="ops", reason="maintenance")
    assert post(api, 403)["code"] == "GO_LIVE_DISABLED"
    assert not RiskReservation.objects.exists()


def test_a_disabled_policy_of_the_engine_is_a_hold_at_the_gate(api: APIClient) -> None:
    policy("WHOLESALE", enabled=False)
    assert post(api, 403)["code"] == "ENGINE_HELD"


def test_an_unknown_recommendation_is_a_404_and_leaves_nothing(api: APIClient) -> None:
    assert post(api, 404, recommendation_id=999)["code"] == "not_found"
    assert list(RiskReservation.objects.values_list("status", flat=True)) in ([], ["RELEASED"])


def test_a_kill_between_the_gate_and_the_reservation_refuses_though_it_is_over_by_then(api: APIClient) -> None:
    turned: list[None] = []

    def watch(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "risk_" in sql and not turned:
            turned.append(None)
            engage_kill_switch(actor="ops", reason="drill")
            release_kill_switch(actor="ops", reason="over")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(watch):
        told = post(api, 409)
    assert (told["lever"], told["code"]) == ("riskguard", "stale_epoch")
    assert not Deal.objects.exists()


def test_a_key_makes_a_retry_the_same_deal(api: APIClient) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = post(api, headers=key)
    assert post(api, headers=key) == first
    assert post(api, 409, headers=key, amount=5_001)["code"] == "idempotency_key_reused"
    assert Deal.objects.count() == 1


@pytest.mark.sqlite  # no database is asked
@pytest.mark.parametrize("key", ["x" * 256, "a\tb"])
def test_an_odd_key_is_a_400(api: APIClient, key: str) -> None:
    assert list(post(api, 400, headers={"Idempotency-Key": key})["errors"]) == ["Idempotency-Key"]


@pytest.mark.sqlite  # no database is asked
@pytest.mark.parametrize("amount", BAD_AMOUNTS)
def test_an_amount_that_is_none_is_a_400_and_reserves_nothing(api: APIClient, amount: str) -> None:
    answer = api.generic("POST", DEALS, f'{{"title": "x", "amount": {amount}}}', content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
    assert not RiskReservation.objects.exists()


@pytest.mark.sqlite  # no database is asked
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("title", ""),
        ("title", None),
        ("title", "x" * 201),
        ("title", "a\0b"),
        ("signed", "maybe"),
        ("signed", None),
        ("realized_loss", -1),
        ("realized_loss", 1.5),
        ("realized_loss", True),
        ("recommendation_id", 0),
        ("recommendation_id", 1.5),
        ("recommendation_id", "x"),
        ("recommendation_id", 2**63),
    ],
)
def test_a_field_that_is_odd_is_a_400_that_names_it(api: APIClient, field: str, value: Any) -> None:
    assert list(post(api, 400, **{field: value})["errors"]) == [field]
    assert not RiskReservation.objects.exists()


def test_the_list_is_narrowed_and_asks_the_same_number_of_queries_at_one_row_and_at_ten(api: APIClient) -> None:
    uncapped("WHOLESALE")
    counts = []
    for more in (1, 9):
        for _ in range(more):
            post(api, signed=more == 1, amount=1)
        with CaptureQueriesContext(connection) as seen:
            told = api.get(DEALS).json()
        counts.append(len(seen))
    assert (len(told["results"]), counts[0]) == (10, counts[1])
    assert len(api.get(DEALS, {"signed": "true"}).json()["results"]) == 1
    assert len(api.get(DEALS, {"actor": "nobody"}).json()["results"]) == 0


def test_an_engine_acts_for_the_engines_that_its_token_names(settings: LazySettings) -> None:
    settings.API_AUTH = "token"
    assert stranger().post(DEALS, OFFER).status_code == 401
    assert caller("viewer", name="v").post(DEALS, OFFER).status_code == 403
    assert caller("viewer", name="w").get(DEALS).status_code == 200
    assert caller("engine", "CAPITAL", name="c").post(DEALS, OFFER).status_code == 403
    told = post(caller("engine", "WHOLESALE", name="e"))
    assert told["actor"] == "e"
