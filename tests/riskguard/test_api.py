from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from rest_framework.test import APIClient

from golive.services import engage_kill_switch
from governance import holds
from riskguard import services
from riskguard.models import RiskEvent, RiskReservation
from riskguard.rules import CAPS, GLOBAL
from tests.riskguard.asking import BAD_AMOUNTS, PROBLEM, RISK, ask, is_refused_as_malformed, raw
from tests.riskguard.factories import DAY, NOON, counters, policy, reserved, uncapped
from tests.tables import tables

pytestmark = pytest.mark.usefixtures("live")


@pytest.fixture(autouse=True)
def _no_caps(live: None) -> None:
    uncapped("WHOLESALE", "CAPITAL")


@pytest.fixture
def used(live: None) -> None:
    """A day on which something is used, so that a change would show."""
    reserved(amount=700)


def test_check_and_reserve_answers_with_everything_an_engine_needs(api: APIClient) -> None:
    policy("WHOLESALE", max_daily_exposure=100_000)
    told = ask(api, correlation_id="deal-7")
    assert set(told) == {
        "ok", "reason", "message", "reservation_id", "status", "engine", "amount", "currency", "expires_at", "epoch",
        "dry_run", "replayed", "refused_by", "policy", "ledger",
    }  # fmt: skip
    held = RiskReservation.objects.get(pk=told["reservation_id"])
    assert (told["ok"], told["reason"], told["status"]) == (True, "reserved", "OPEN")
    assert (told["engine"], told["amount"], told["currency"]) == ("WHOLESALE", 50_000, "USD")
    assert dt.datetime.fromisoformat(told["expires_at"]) == held.expires_at == NOON + DAY
    assert told["epoch"] == held.epoch
    assert told["policy"]["max_daily_exposure"] == 1_000
    assert (told["ledger"]["exposure_used"], told["ledger"]["exposure_left"]) == (500, 500)


def test_a_refusal_is_a_200_that_names_policy_cap_used_and_left(api: APIClient) -> None:
    policy(GLOBAL, max_open_risk=60_000)
    reserved("CAPITAL", 20_000)
    told = ask(api)
    assert (told["ok"], told["reason"], told["reservation_id"], told["status"]) == (
        False, "would_exceed_policy", None, None,
    )  # fmt: skip
    assert told["refused_by"] == {
        "policy": GLOBAL, "cap": "max_open_risk", "limit": 60_000, "used": 20_000, "asked": 50_000,
    }  # fmt: skip
    assert told["message"] == (
        "GLOBAL's open risk cap is 600.00 USD: 200.00 USD is used and 400.00 USD is left; 500.00 USD was asked for."
    )


def test_an_unknown_engine_is_a_refusal_and_creates_nothing(api: APIClient) -> None:
    before = tables(without=(RiskEvent,))
    told = ask(api, engine="nobody.knows-it_1")
    assert (told["ok"], told["reason"], told["engine"]) == (False, "policy_missing", "NOBODY.KNOWS-IT_1")
    assert (told["policy"], told["ledger"]) == (None, None)
    assert RiskEvent.objects.get().engine == "NOBODY.KNOWS-IT_1"
    assert tables(without=(RiskEvent,)) == before


def test_forms_and_both_slashes_are_taken(api: APIClient) -> None:
    answer = api.post(
        RISK + "check-and-reserve/",
        "engine=+wholesale+&amount=5&actor=form",
        content_type="application/x-www-form-urlencoded",
    )
    assert (answer.status_code, answer.json()["ok"]) == (200, True)
    assert RiskReservation.objects.get().actor == "form"


@pytest.mark.parametrize(("sent", "amount"), [("1", 1), ('"1"', 1), ("1000000000000000", 10**15), ('" 7 "', 7)])
def test_whole_amounts_from_one_to_ten_to_the_fifteenth_are_taken(sent: str, amount: int, api: APIClient) -> None:
    told = raw(api, "check-and-reserve", f'{{"engine": "WHOLESALE", "actor": "a", "amount": {sent}}}').json()
    assert (told["ok"], told["amount"]) == (True, amount)


# What is malformed never reaches a database: any is as good as the other.


@pytest.mark.sqlite
def test_a_bad_amount_is_a_400_that_names_the_field_and_changes_nothing(used: None, api: APIClient) -> None:
    before = tables()
    for amount in (*BAD_AMOUNTS, "0", '"0"'):
        answer = raw(api, "check-and-reserve", f'{{"engine": "WHOLESALE", "actor": "a", "amount": {amount}}}')
        is_refused_as_malformed(answer, "amount")
    assert tables() == before


@pytest.mark.sqlite
def test_a_bad_loss_is_a_400_that_names_the_field_and_changes_nothing(api: APIClient) -> None:
    held = reserved()
    before = tables()
    for loss in BAD_AMOUNTS:
        answer = raw(api, "settle", f'{{"reservation_id": {held.pk}, "actor": "a", "realized_loss": {loss}}}')
        is_refused_as_malformed(answer, "realized_loss")
    assert tables() == before


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("engine", "field"),
    [("", "engine"), ("  ", "engine"), ("A" * 65, "engine"), ("A\0B", "engine"), ("A B", "engine"), ("É", "engine"),
     (True, "engine"), (None, "engine"), ([], "engine"), ("GLOBAL", "engine"), (" global ", "engine")],
)  # fmt: skip
def test_an_odd_name_is_a_400_that_names_the_field(engine: Any, field: str, api: APIClient) -> None:
    before = tables()
    is_refused_as_malformed(api.post(RISK + "check-and-reserve", {"engine": engine, "amount": 1}), field)
    assert tables() == before


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"dry_run": "perhaps"}, "dry_run"),
        ({"dry_run": 1}, "dry_run"),
        ({"correlation_id": "x" * 65}, "correlation_id"),
        ({"correlation_id": "\0"}, "correlation_id"),
        ({"idempotency_key": "x" * 256}, "idempotency_key"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"actor": "x" * 151}, "actor"),
        ({"actor": "one", "changed_by": "another"}, "changed_by"),
    ],
)
def test_an_odd_field_is_a_400_that_names_it(more: dict[str, Any], field: str, api: APIClient) -> None:
    before = tables()
    body = {"engine": "WHOLESALE", "amount": 1, **more}
    is_refused_as_malformed(api.post(RISK + "check-and-reserve", body), field)
    assert tables() == before


@pytest.mark.sqlite
@pytest.mark.parametrize("path", ["check-and-reserve", "settle", "release", "policies/upsert"])
def test_a_body_that_is_no_object_is_a_400(path: str, api: APIClient) -> None:
    before = tables()
    for body in ("[]", "1", '"x"', "null", "{", "", "\xff"):
        answer = raw(api, path, body)
        assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM), body
    assert tables() == before


@pytest.mark.parametrize(("path", "fields"), [
    ("check-and-reserve", {"engine", "amount"}), ("settle", {"reservation_id", "realized_loss"}),
    ("release", {"reservation_id"}), ("policies/upsert", {"engine"}),
])  # fmt: skip
def test_what_is_left_out_is_named(path: str, fields: set[str], api: APIClient) -> None:
    assert set(api.post(RISK + path, {}).json()["errors"]) == fields


def test_a_dry_run_changes_nothing(api: APIClient) -> None:
    before = tables()
    told = ask(api, dry_run=True)
    assert (told["ok"], told["reason"], told["dry_run"], told["reservation_id"]) == (True, "reserved", True, None)
    assert not ask(api, dry_run=True, engine="NOBODY")["ok"]
    assert tables() == before


def test_the_key_comes_in_the_header_or_in_the_body(api: APIClient) -> None:
    body = {"engine": "WHOLESALE", "amount": 5, "actor": "bot"}
    path = RISK + "check-and-reserve"
    first = api.post(path, body, headers={"Idempotency-Key": "k"}).json()
    again = api.post(path, {**body, "idempotency_key": "k"}).json()
    both = api.post(path, {**body, "idempotency_key": "k"}, headers={"Idempotency-Key": "k"}).json()
    assert first["reservation_id"] == again["reservation_id"] == both["reservation_id"]
    assert (first["replayed"], again["replayed"], both["replayed"]) == (False, True, True)
    assert counters() == (5, 5, 0, 1)


def test_a_header_and_a_body_that_differ_are_a_400(api: APIClient) -> None:
    body = {"engine": "WHOLESALE", "amount": 5, "idempotency_key": "one"}
    before = tables()
    answer = api.post(RISK + "check-and-reserve", body, headers={"Idempotency-Key": "another"})
    is_refused_as_malformed(answer, "idempotency_key")
    assert tables() == before


@pytest.mark.parametrize("key", ["x" * 256, "a\x07b"])
def test_a_header_that_cannot_be_a_key_is_a_400(key: str, api: APIClient) -> None:
    body = {"engine": "WHOLESALE", "amount": 5}
    answer = api.post(RISK + "check-and-reserve", body, headers={"Idempotency-Key": key})
    is_refused_as_malformed(answer, "Idempotency-Key")


def test_the_same_key_with_another_body_is_a_409(api: APIClient) -> None:
    ask(api, idempotency_key="k")
    before = tables()
    body = {"engine": "WHOLESALE", "amount": 1, "actor": "bot", "idempotency_key": "k"}
    answer = api.post(RISK + "check-and-reserve", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
    assert tables() == before


def test_a_replay_of_a_settled_reservation_is_no_go(api: APIClient) -> None:
    first = ask(api, idempotency_key="k")
    services.settle(reservation_id=first["reservation_id"], realized_loss=0, actor="bot")
    again = ask(api, idempotency_key="k")
    assert (again["ok"], again["reason"], again["status"]) == (False, "reservation_settled", "SETTLED")
    assert again["reservation_id"] == first["reservation_id"]
    assert again["message"] == "This key's reservation is settled: nothing may be done on it again."


def test_settle_answers_the_reservation_both_lines_and_the_flags(api: APIClient) -> None:
    policy("WHOLESALE", max_daily_loss=20_000)
    held = reserved(amount=50_000)
    body = {"reservation_id": held.pk, "realized_loss": 20_000, "actor": "closer"}
    answer = api.post(RISK + "settle", body)
    told = answer.json()
    assert (answer.status_code, told["ok"]) == (200, True)
    assert (told["reservation"]["status"], told["reservation"]["realized_loss"]) == ("SETTLED", 20_000)
    assert [(row["engine"], row["realized_loss"], row["loss_left"]) for row in told["ledger"]] == [
        (GLOBAL, 200, None), ("WHOLESALE", 200, 0),
    ]  # fmt: skip
    assert told["flags"] == {"loss_cap_reached": True, "reached_by": ["WHOLESALE"]}
    assert api.post(RISK + "settle", body).json() == told
    other = api.post(RISK + "settle", {**body, "realized_loss": 1})
    assert (other.status_code, other.json()["code"], other["Content-Type"]) == (409, "already_settled", PROBLEM)


def test_release_answers_likewise(api: APIClient) -> None:
    held = reserved(amount=50_000)
    answer = api.post(RISK + "release", {"reservation_id": held.pk, "actor": "closer"})
    told = answer.json()
    assert (answer.status_code, told["ok"], told["reservation"]["status"]) == (200, True, "RELEASED")
    assert told["flags"] == {"loss_cap_reached": False, "reached_by": []}
    assert [row["exposure_used"] for row in told["ledger"]] == [0, 0]
    settle = api.post(RISK + "settle", {"reservation_id": held.pk, "realized_loss": 0})
    assert (settle.status_code, settle.json()["code"]) == (409, "already_released")


@pytest.mark.parametrize("path", ["settle", "release"])
def test_a_reservation_that_is_not_there_is_a_404(path: str, api: APIClient) -> None:
    answer = api.post(RISK + path, {"reservation_id": 987_654, "realized_loss": 0})
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.sqlite
@pytest.mark.parametrize("path", ["settle", "release"])
def test_an_odd_id_is_a_400(path: str, api: APIClient) -> None:
    for pk in ("0", "-1", "1.5", "true", "null", '"x"', "9223372036854775808", "[]"):
        answer = raw(api, path, f'{{"reservation_id": {pk}, "realized_loss": 0}}')
        is_refused_as_malformed(answer, "reservation_id")


@pytest.mark.parametrize("path", ["settle", "release"])
def test_settle_and_release_answer_200_whatever_is_closed(path: str, api: APIClient) -> None:
    held = reserved()
    engage_kill_switch(actor="ops", reason="r")
    policy("WHOLESALE", **dict.fromkeys(CAPS, 0), enabled=False)
    policy(GLOBAL, **dict.fromkeys(CAPS, 0), enabled=False)
    holds.place(scope="WHOLESALE", source="x", code="y", reason="r", rank=40)
    assert not ask(api)["ok"]
    assert api.post(RISK + path, {"reservation_id": held.pk, "realized_loss": 7}).status_code == 200
