"""The gate that a proxy asks for services which do not know it."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from golive import services
from golive.models import GoLiveState
from governance import epoch, holds
from tests.access.factories import caller, stranger

pytestmark = pytest.mark.usefixtures("live")
GATE = "/api/governance/gate"
PROBLEM = "application/problem+json"


def ask(api: APIClient, uri: str = "/api/deals", method: str = "GET", **more: str) -> Any:
    return api.get(GATE, headers={"X-Original-URI": uri, "X-Original-Method": method, **more})


def refused(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == PROBLEM
    assert answer["X-Governance-Code"] == answer.json()["code"]
    assert not answer.has_header("X-Governance-Epoch")
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("slash", ["", "/"])
def test_an_admission_is_a_204_with_the_epoch_and_no_body(api: APIClient, slash: str) -> None:
    answer = api.get(GATE + slash, headers={"X-Original-URI": "/api/deals?x=1"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer["X-Governance-Epoch"] == str(epoch.current())


def test_the_epoch_tells_check_and_reserve_when_it_was_admitted(api: APIClient) -> None:
    order = {"engine": "WHOLESALE", "amount": 100, "actor": "bot", "epoch": int(ask(api)["X-Governance-Epoch"])}
    reserve = "/api/governance/risk/check-and-reserve"
    assert api.post(reserve, order).json()["ok"] is True
    services.engage_kill_switch(actor="ops", reason="drill")
    assert api.post(reserve, order).json()["reason"] == "kill_switch_engaged"
    services.release_kill_switch(actor="ops", reason="over")
    told = api.post(reserve, order).json()
    assert (told["ok"], told["reason"], told["reservation_id"]) == (False, "stale_epoch", None)
    assert told["message"]
    order["epoch"] = int(ask(api)["X-Governance-Epoch"])
    assert api.post(reserve, order).json()["ok"] is True


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "x", None, 2**63])
def test_an_epoch_that_is_none_is_a_400(api: APIClient, value: Any) -> None:
    answer = api.post("/api/governance/risk/check-and-reserve", {"engine": "WHOLESALE", "amount": 1, "epoch": value})
    assert (answer.status_code, list(answer.json()["errors"])) == (400, ["epoch"])


def test_each_state_answers_as_the_sites_own_gate_does(api: APIClient) -> None:
    holds.place(scope="CAPITAL", source="t", code="tripped", reason="fell", rank=40)
    assert refused(ask(api, "/api/capital/7")) == (403, "ENGINE_HELD")
    assert ask(api, "/api/deals").status_code == 204
    services.engage_kill_switch(actor="ops", reason="drill")
    answer = ask(api, "/api/deals", "DELETE")
    assert refused(answer) == (403, "KILL_SWITCH_ENGAGED")
    told = answer.json()
    assert (told["exec_class"], told["path"]) == ("PROD_EXEC", "/api/deals")
    assert "Reason: drill" in told["detail"]
    assert ask(api, "/orders/7").status_code == 204
    assert refused(ask(api, "/orders/7", "POST")) == (403, "KILL_SWITCH_ENGAGED")
    assert ask(api, "/api/sandbox/x", "POST").status_code == 204
    services.disable(actor="ops", reason="maintenance")
    assert refused(ask(api, "/orders/7")) == (403, "GO_LIVE_DISABLED")
    GoLiveState.objects.all().delete()
    assert refused(ask(api, "/orders/7")) == (503, "GOVERNANCE_UNAVAILABLE")


@pytest.mark.parametrize("uri", ["/health", "/docs?x=/api/deals", "/static/a.css", "/metrics"])
def test_an_exempt_path_passes_whatever_stands_and_asks_nothing(api: APIClient, uri: str) -> None:
    services.disable(actor="ops", reason="maintenance")
    with CaptureQueriesContext(connection) as seen:
        answer = ask(api, uri)
    assert (answer.status_code, answer.has_header("X-Governance-Epoch"), len(seen)) == (204, False, 0)


def test_an_answer_costs_one_query(api: APIClient) -> None:
    with CaptureQueriesContext(connection) as seen:
        assert ask(api).status_code == 204
    assert len(seen) == 1


@pytest.mark.usefixtures("killed")
@pytest.mark.parametrize(
    "uri",
    [
        "/api/deals?next=/health", "/api/deals/7?/../../health", "//api/deals", "/health/../api/deals",
        "/health/%2e%2e/api/deals", "/health/%252e%252e/api/deals", "/health%2f..%2fapi%2fdeals",
        "/health/..;/api/deals",
        "/health/..%5capi%5cdeals", "/API/DEALS", "/api/%64eals", "/api/deals;x", "/health#/../api/deals",
        "/api/sandbox/../deals", "/health%3f/../../api/deals",
    ],
)  # fmt: skip
def test_no_spelling_of_a_production_path_passes(api: APIClient, uri: str) -> None:
    assert refused(ask(api, uri)) == (403, "KILL_SWITCH_ENGAGED")


@pytest.mark.usefixtures("killed")
@pytest.mark.parametrize(("method", "passes"), [("get", True), ("HEAD", True), ("post", False), ("Purge", False)])
def test_the_original_method_counts_in_any_case(api: APIClient, method: str, passes: bool) -> None:
    assert (ask(api, "/orders", method).status_code == 204) is passes


@pytest.mark.parametrize("uri", ["", "api/deals", "http://x/health", "?/health"])
def test_without_a_plain_address_it_is_a_400_which_lets_nothing_pass(api: APIClient, uri: str) -> None:
    answer = ask(api, uri)
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
    assert list(answer.json()["errors"]) == ["X-Original-URI"]
    assert api.get(GATE).status_code == 400


def test_it_is_asked_and_not_told(api: APIClient) -> None:
    assert api.post(GATE).status_code == 405


class TestWhoMayAsk:
    @pytest.fixture(autouse=True)
    def _closed(self, settings: LazySettings, live: None) -> None:
        settings.API_AUTH = "token"

    def test_a_proxy_on_this_machine_needs_no_token(self, api: APIClient) -> None:
        assert ask(api).status_code == 204

    @pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "Via"])
    def test_what_a_proxy_only_hands_on_does(self, api: APIClient, header: str) -> None:
        assert ask(api, **{header: "127.0.0.1"}).status_code == 401

    def test_from_elsewhere_it_takes_a_token_of_a_proxys(self) -> None:
        assert ask(stranger()).status_code == 401
        assert ask(caller("proxy", name="p")).status_code == 204
        for role in ("viewer", "engine", "operator"):
            assert ask(caller(role, name=role)).status_code == 403

    def test_a_proxy_may_do_nothing_else(self) -> None:
        api = caller("proxy", name="p")
        assert api.get("/api/governance/risk/policies").status_code == 403
        assert api.post("/api/governance/go-live/kill-switch/engage").status_code == 403


def test_over_plain_http_it_is_not_redirected(api: APIClient, settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    assert ask(api).status_code == 204
    assert api.get("/api/governance/risk/policies").status_code == 301
