"""The request's id: on every answer, in the trail, and in every event that comes of the request."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client
from rest_framework.test import APIClient

from governance import origin
from governance.models import AuditEvent
from heimdall.models import HeimdallEvent
from regression.models import KpiEvent
from riskguard import services as riskguard
from riskguard.models import RiskEvent

pytestmark = pytest.mark.usefixtures("live")


def test_each_answer_bears_one_of_its_own(api: APIClient) -> None:
    first, second = (api.get("/health")["X-Request-ID"] for _ in range(2))
    assert re.fullmatch("[0-9a-f]{32}", first)
    assert first != second


@pytest.mark.parametrize("sent", ["trace-0123", "a" * 64, "A.b_c-d1"])
def test_a_plain_one_of_the_callers_is_kept(api: APIClient, sent: str) -> None:
    assert api.get("/api/deals", headers={"X-Request-ID": sent})["X-Request-ID"] == sent


@pytest.mark.parametrize("sent", ["short", "a" * 65, "with blank", "<script>alert</script>", "ünïcödeünï", ""])
def test_an_odd_one_is_replaced(api: APIClient, sent: str) -> None:
    assert re.fullmatch("[0-9a-f]{32}", api.get("/health", HTTP_X_REQUEST_ID=sent)["X-Request-ID"])


def test_it_stands_in_the_trail_with_the_address_and_the_way_in(api: APIClient) -> None:
    api.post("/api/governance/go-live/disable", {"actor": "jo"}, headers={"X-Request-ID": "trace-0123"})
    event = AuditEvent.objects.get(action="go_live.disable")
    assert (event.request_id, event.address, event.via) == ("trace-0123", "127.0.0.1", "api")


def test_a_refusal_and_a_failure_bear_it(settings: LazySettings) -> None:
    settings.GOVERNANCE_ENFORCED = False
    client = Client(raise_request_exception=False)
    answer = client.get("/api/fails", headers={"X-Request-ID": "trace-0123"})
    assert (answer.status_code, answer["X-Request-ID"]) == (500, "trace-0123")


@pytest.mark.parametrize(
    ("path", "more", "status"),
    [
        ("/static/valhalla/favicon.svg", {}, 200),
        ("/nowhere", {}, 404),
        ("/health", {"headers": {"Host": "elsewhere.example"}}, 400),
        ("/api/governance/risk/policies", {"headers": {"Authorization": "Bearer odd"}}, 401),
        ("/api/governance/risk/events", {"query_params": {"cursor": "odd"}}, 400),
    ],
)
def test_every_kind_of_answer_bears_it(api: APIClient, path: str, more: dict[str, Any], status: int) -> None:
    answer = api.get(path, **more)
    answer.close()  # a static file is read as it is sent
    assert (answer.status_code, len(answer["X-Request-ID"])) == (status, 32)


def test_the_redirect_to_https_bears_it(api: APIClient, settings: LazySettings) -> None:
    settings.SECURE_SSL_REDIRECT = True
    answer = Client(SERVER_NAME="localhost").get("/api/deals")
    assert (answer.status_code, len(answer["X-Request-ID"])) == (301, 32)


def test_it_stands_in_every_event_that_comes_of_the_request(api: APIClient) -> None:
    def post(place: str, **body: Any) -> dict[str, Any]:
        sent = "trace-" + place.replace("/", ".")
        answer = api.post(
            f"/api/governance/{place}", {"actor": "bot", **body}, format="json", headers={"X-Request-ID": sent}
        )
        assert answer.status_code < 400, answer.content
        told: dict[str, Any] = answer.json()
        return told

    order = {"engine": "WHOLESALE", "amount": 100}
    held = post("risk/check-and-reserve", **order)["reservation_id"]
    post("risk/check-and-reserve/batch", items=[order])
    post("risk/settle", reservation_id=held, realized_loss=1)
    post("risk/release", reservation_id=held + 1)
    post("regression/kpi", domain="WHOLESALE", metric="contract_rate", success=True)
    post("regression/kpi", domain="WHOLESALE", metric="price", value=1.5)
    post("regression/kpi/batch", items=[{"domain": "NEW", "metric": "price", "value": 1.5}])
    post("heimdall/sandbox/trial", domain="WHOLESALE_OFFER", confidence=0.9, success=True)
    post("heimdall/recommend", domain="WHOLESALE_OFFER", confidence=0.9)
    told = [
        *RiskEvent.objects.order_by("pk").values_list("kind", "request_id"),
        *KpiEvent.objects.order_by("pk").values_list("metric", "request_id"),
        *HeimdallEvent.objects.order_by("pk").values_list("kind", "request_id"),
    ]
    assert told == [
        ("RESERVE", "trace-risk.check-and-reserve"),
        ("RESERVE", "trace-risk.check-and-reserve.batch"),
        ("SETTLE", "trace-risk.settle"),
        ("RELEASE", "trace-risk.release"),
        ("contract_rate", "trace-regression.kpi"),
        ("price", "trace-regression.kpi"),
        ("price", "trace-regression.kpi.batch"),
        ("TRIAL", "trace-heimdall.sandbox.trial"),
        ("RECOMMEND", "trace-heimdall.recommend"),
    ]
    lines = api.get("/api/governance/trail", {"source": "risk_event"}).json()["results"]
    assert {line["request_id"] for line in lines} == {sent for _kind, sent in told[:4]}


@pytest.mark.postgresql
def test_what_another_request_has_told_the_connection_is_gone() -> None:
    with origin.of(request_id="trace-0123"):
        riskguard.reserve(engine="WHOLESALE", amount=100, actor="bot")
    riskguard.reserve(engine="WHOLESALE", amount=100, actor="bot")
    assert list(RiskEvent.objects.order_by("pk").values_list("request_id", flat=True)) == ["trace-0123", ""]
