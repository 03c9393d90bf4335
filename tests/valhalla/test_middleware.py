from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from golive import services
from golive.models import GoLiveState
from governance import clock, holds, seeds
from governance.models import Epoch
from riskguard.rules import GLOBAL
from tests.riskguard.factories import HOUR, policy
from valhalla import settings as site
from valhalla.settings import PathRule

PROBLEM = "application/problem+json"
EXEMPT = [
    "/api/governance", "/api/governance/", "/api/governance/go-live/state", "/api/system/status", "/health",
    "/health/ready", "/docs", "/redoc", "/openapi.json", "/admin/login/", "/static/valhalla/pages.css",
]  # fmt: skip
GATED = [
    "/", "/api", "/api/deals", "/api/deals/", "/api/unlabelled", "/api/sandbox/x", "/api/deals/report", "/favicon.ico",
    "/nothing/here", "/healthz", "/api/governanceX", "/api/system", "/adminX", "/docsX/", "/staticX",
]  # fmt: skip
ROUND = [
    "//api/deals", "/api//deals", "/health/../api/deals", "/health/%2e%2e/api/deals", "/health/%252e%252e/api/deals",
    "/health/..%2fapi/deals", "/health/..%252fapi/deals", "/health/..;/api/deals", "/health;/../api/deals",
    "/health/..\\api\\deals", "/health%5c..%5capi/deals", "/API/DEALS", "/Api/Deals", "/api/deals;x=1", "/api/deals;/",
    "/api/%64eals", "/api/%2564eals", "/api/./deals", "/api/deals//", "/HEALTH", "//health", "/health%00",
    "/api/governance/../../api/deals", "/static/../api/deals", "/admin/..//api/deals",
]  # fmt: skip
WRITES = ["POST", "PUT", "PATCH", "DELETE", "PURGE"]
METHODS = ["GET", "HEAD", "OPTIONS", *WRITES]


def refusal(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == PROBLEM, answer.content
    return answer.status_code, answer.json()["code"]


def answered(api: APIClient, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 200
    answer.close()  # a static file is read as it is sent


def hold(scope: str, **more: Any) -> None:
    holds.place(scope=scope, source="test", code="tripped", reason="rates fell", rank=40, **more)


def test_the_gate_stands_early_and_in_its_order() -> None:
    gate = site.MIDDLEWARE.index("valhalla.middleware.GoLiveMiddleware")
    assert site.MIDDLEWARE[gate + 1] == "valhalla.middleware.ExecutionClassMiddleware"
    assert set(site.MIDDLEWARE[:gate]) == {
        "django.middleware.security.SecurityMiddleware",
        "whitenoise.middleware.WhiteNoiseMiddleware",
        "valhalla.middleware.RequestIdMiddleware",
        "valhalla.limits.BodyLimitMiddleware",
        "valhalla.policy.ContentSecurityPolicyMiddleware",
    }


class TestWhileGoLiveIsDisabled:
    pytestmark = pytest.mark.usefixtures("seeded")

    @pytest.mark.parametrize("path", EXEMPT)
    def test_an_exempt_path_is_answered(self, api: APIClient, path: str) -> None:
        answered(api, path)

    @pytest.mark.parametrize("path", [*GATED, *ROUND])
    def test_every_other_path_is_refused_known_or_not(self, api: APIClient, path: str) -> None:
        assert refusal(api.get(path)) == (403, "GO_LIVE_DISABLED")

    @pytest.mark.parametrize("method", METHODS)
    def test_every_method_is_refused(self, api: APIClient, method: str) -> None:
        assert api.generic(method, "/api/unlabelled").status_code == 403

    def test_the_refusal_tells_the_class_the_path_and_the_reason(self, api: APIClient) -> None:
        services.disable(actor="ops", reason="maintenance")
        assert api.get("/api/deals/").json() == {
            "type": "about:blank",
            "title": "Forbidden",
            "status": 403,
            "detail": "Go-live is disabled: nothing runs in production until an operator enables it. "
            "Reason: maintenance",
            "code": "GO_LIVE_DISABLED",
            "exec_class": "PROD_EXEC",
            "path": "/api/deals/",
        }

    def test_it_is_named_before_the_kill_switch_and_a_hold(self, api: APIClient) -> None:
        services.engage_kill_switch(actor="ops", reason="drill")
        hold("*")
        assert refusal(api.get("/api/deals")) == (403, "GO_LIVE_DISABLED")


class TestWhileTheKillSwitchIsEngaged:
    pytestmark = pytest.mark.usefixtures("killed")

    @pytest.mark.parametrize("path", EXEMPT)
    def test_an_exempt_path_is_answered(self, api: APIClient, path: str) -> None:
        answered(api, path)

    @pytest.mark.parametrize("method", METHODS)
    def test_deals_are_production_by_every_method(self, api: APIClient, method: str) -> None:
        assert api.generic(method, "/api/deals").status_code == 403

    @pytest.mark.parametrize("method", METHODS)
    def test_without_a_label_what_only_reads_passes(self, api: APIClient, method: str) -> None:
        assert (api.generic(method, "/api/unlabelled").status_code == 403) is (method in WRITES)

    @pytest.mark.parametrize(
        ("method", "path", "passes"),
        [
            ("POST", "/api/deals/report", True),
            ("GET", "/api/sandbox/real", False),
            ("POST", "/api/sandbox/trial", True),
            ("GET", "/api/capital/1", False),
            ("GET", "/api/misspelt", False),
        ],
    )
    def test_a_label_wins_over_a_rule_and_a_rule_over_the_method(
        self, api: APIClient, method: str, path: str, passes: bool
    ) -> None:
        answer = api.generic(method, path)
        assert answer.status_code == (200 if passes else 403)

    @pytest.mark.parametrize(
        "path",
        [
            "/api/capital/../sandbox/x", "/api/sandbox/../capital/x", "/api/sandbox/%2e%2e/capital/x",
            "/api/sandbox/..;/capital/x", "/api/sandbox/..\\capital\\x",
        ],
    )  # fmt: skip
    def test_no_spelling_is_a_way_out_of_a_rule(self, api: APIClient, path: str) -> None:
        assert refusal(api.get(path)) == (403, "KILL_SWITCH_ENGAGED")

    @pytest.mark.parametrize("path", ROUND)
    def test_no_spelling_of_deals_reaches_them(self, api: APIClient, path: str) -> None:
        assert api.get(path).status_code != 200
        assert api.post(path, {"title": "x", "amount": 1}).status_code == 403

    @pytest.mark.parametrize(
        "header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method", "X-Original-Method"]
    )
    def test_a_header_changes_no_method(self, api: APIClient, header: str) -> None:
        answer = api.post("/api/unlabelled", {}, headers={header: "GET"})
        assert refusal(answer) == (403, "KILL_SWITCH_ENGAGED")

    @pytest.mark.parametrize("header", ["X-Original-URL", "X-Rewrite-URL", "X-Original-URI", "X-Forwarded-Prefix"])
    def test_a_header_changes_no_path(self, api: APIClient, header: str) -> None:
        assert api.get("/api/deals", headers={header: "/health"}).status_code == 403

    def test_a_field_of_the_body_or_the_query_changes_no_method(self, api: APIClient) -> None:
        assert api.post("/api/unlabelled?_method=GET", {"_method": "GET"}, format="multipart").status_code == 403

    def test_a_method_in_lower_case_is_the_same_method(self, api: APIClient) -> None:
        assert api.generic("post", "/api/unlabelled").status_code == 403
        assert api.generic("get", "/api/unlabelled").status_code == 200

    def test_below_a_script_name_the_path_that_is_resolved_is_the_one_that_is_judged(self, api: APIClient) -> None:
        assert api.get("/api/deals", SCRIPT_NAME="/health").status_code == 403
        assert api.get("/health", SCRIPT_NAME="/api/deals").status_code == 200

    def test_the_reason_is_that_of_the_kill_not_of_the_last_change(self, api: APIClient) -> None:
        services.enable(actor="ops", reason="all is well", override=True)
        told = api.get("/api/deals").json()
        assert told["code"] == "KILL_SWITCH_ENGAGED"
        assert told["detail"] == "The kill switch is engaged: nothing that acts in production may run. Reason: drill"

    def test_a_release_lets_it_pass_again(self, api: APIClient) -> None:
        services.release_kill_switch(actor="ops", reason="over")
        assert api.get("/api/deals").status_code == 200

    def test_an_unknown_path_is_not_found_for_a_reader_and_refused_for_a_writer(self, api: APIClient) -> None:
        assert api.get("/nothing/here").status_code == 404
        assert refusal(api.post("/nothing/here")) == (403, "KILL_SWITCH_ENGAGED")


class TestWhileAnEngineIsHeld:
    pytestmark = pytest.mark.usefixtures("live")

    def test_its_paths_are_refused_and_no_others(self, api: APIClient) -> None:
        hold("WHOLESALE")
        answer = api.get("/api/deals")
        assert refusal(answer) == (403, "ENGINE_HELD")
        assert answer.json()["detail"] == "WHOLESALE is held (tripped). Reason: rates fell"
        assert api.get("/api/capital/1").status_code == 200
        assert api.post("/api/unlabelled").status_code == 200

    def test_the_engine_of_a_views_label_counts(self, api: APIClient) -> None:
        hold("CAPITAL")
        assert refusal(api.get("/api/sandbox/real")) == (403, "ENGINE_HELD")

    def test_what_only_observes_passes_though_its_path_is_the_engines(self, api: APIClient) -> None:
        hold("WHOLESALE")
        assert api.post("/api/deals/report").status_code == 200

    def test_a_path_that_reads_as_two_engines_is_stopped_by_either(self, api: APIClient) -> None:
        hold("BUYER_MATCH")
        assert api.get("/api/capital/../buyers/1").status_code == 403
        assert api.get("/api/buyers/../capital/1").status_code == 403

    def test_a_hold_over_everything_stops_paths_that_have_no_engine_too(self, api: APIClient) -> None:
        policy(GLOBAL, enabled=False)
        for answer in (api.get("/api/deals"), api.post("/api/unlabelled")):
            assert refusal(answer) == (403, "ENGINE_HELD")
            assert answer.json()["detail"] == "Everything is held (policy_disabled). Reason: tests"
        assert api.get("/api/unlabelled").status_code == 200

    def test_a_disabled_risk_policy_is_a_hold(self, api: APIClient) -> None:
        policy("WHOLESALE", enabled=False)
        assert refusal(api.get("/api/deals")) == (403, "ENGINE_HELD")

    def test_a_hold_that_has_ended_holds_no_more(self, api: APIClient) -> None:
        hold("WHOLESALE", until=clock.now() + HOUR)
        assert api.get("/api/deals").status_code == 403
        with clock.at(clock.now() + HOUR):
            assert api.get("/api/deals").status_code == 200

    def test_of_several_the_first_in_rank_is_named(self, api: APIClient) -> None:
        hold("WHOLESALE")
        holds.place(scope="*", source="test", code="first", reason="", rank=1)
        assert api.get("/api/deals").json()["detail"] == "Everything is held (first)."

    def test_the_kill_switch_is_named_before_a_hold(self, api: APIClient) -> None:
        hold("WHOLESALE")
        services.engage_kill_switch(actor="ops", reason="")
        told = api.get("/api/deals").json()
        assert told["code"] == "KILL_SWITCH_ENGAGED"
        assert told["detail"] == "The kill switch is engaged: nothing that acts in production may run."


class TestWithEnforcementOff:
    @pytest.fixture(autouse=True)
    def _off(self, seeded: None, settings: LazySettings) -> None:
        settings.GOVERNANCE_ENFORCED = False

    def test_a_disabled_go_live_and_an_engaged_kill_switch_block_nothing(self, api: APIClient) -> None:
        services.engage_kill_switch(actor="ops", reason="drill")
        assert api.get("/api/deals").status_code == 200
        assert api.post("/api/unlabelled").status_code == 200

    @pytest.mark.parametrize("scope", ["WHOLESALE", "*"])
    def test_holds_of_the_levers_still_count(self, api: APIClient, scope: str) -> None:
        hold(scope)
        assert refusal(api.get("/api/deals")) == (403, "ENGINE_HELD")

    def test_what_cannot_be_read_is_still_refused(self, api: APIClient) -> None:
        GoLiveState.objects.all().delete()
        assert refusal(api.get("/api/deals")) == (503, "GOVERNANCE_UNAVAILABLE")

    def test_who_may_call_stays_as_it_is(self, api: APIClient, settings: LazySettings) -> None:
        settings.API_AUTH = "token"
        assert api.get("/api/deals").status_code == 401


class TestWhatCannotBeRead:
    @pytest.fixture(params=["the row is missing", "the epoch is missing"])
    def _missing(self, live: None, request: pytest.FixtureRequest) -> None:
        model = GoLiveState if "row" in request.param else Epoch
        model.objects.all().delete()

    @pytest.mark.usefixtures("_missing")
    @pytest.mark.parametrize("path", [*GATED, *ROUND])
    def test_every_path_but_the_exempt_ones_is_refused(self, api: APIClient, path: str) -> None:
        answer = api.get(path)
        assert refusal(answer) == (503, "GOVERNANCE_UNAVAILABLE")
        assert answer["Retry-After"] == "1"

    @pytest.mark.usefixtures("_missing")
    def test_the_exempt_paths_that_need_no_state_are_answered(self, api: APIClient) -> None:
        assert api.get("/health").status_code == 200
        assert api.get("/docs").status_code == 200
        assert api.get("/health/ready").status_code == 503

    @pytest.mark.usefixtures("_missing")
    def test_restoring_the_seeds_opens_the_gate_no_further_than_it_was(self, api: APIClient) -> None:
        restored = seeds.restore(actor="ops")
        answer = api.get("/api/deals")
        assert restored in (["go_live_state"], ["epoch"])
        assert answer.status_code == (403 if restored == ["go_live_state"] else 200)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", ["go_live_state", "governance_epoch", "hold"])
def test_a_missing_table_refuses_everything(
    api: APIClient, table: str, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    request.getfixturevalue("live")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO put_away")
    try:
        for path in GATED:
            answer = api.get(path)
            assert refusal(answer) == (503, "GOVERNANCE_UNAVAILABLE")
            assert table not in answer.content.decode()
        assert api.get("/health").status_code == 200
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE put_away RENAME TO {table}")
    assert "The go-live state cannot be read" in caplog.text
    assert api.get("/api/unlabelled").status_code == 200


@pytest.mark.usefixtures("live")
def test_without_the_first_middleware_the_second_lets_nothing_pass(settings: LazySettings) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith(".GoLiveMiddleware")]
    client = Client(raise_request_exception=False)
    assert client.get("/api/unlabelled").status_code == 500
    assert client.get("/health").status_code == 200


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize(
    ("path", "queries"), [("/api/unlabelled", 1), ("/api/capital/1", 1), ("/nothing/here", 1), ("/health", 0)]
)
def test_a_gated_request_costs_one_query_and_an_exempt_one_none(api: APIClient, path: str, queries: int) -> None:
    hold("BUYER_MATCH")
    with CaptureQueriesContext(connection) as seen:
        api.get(path)
    assert len(seen) == queries


@pytest.mark.usefixtures("killed")
@pytest.mark.parametrize("path", ["/api/deals", "/api/misspelt"])
def test_a_refusal_costs_one_query(api: APIClient, path: str) -> None:
    with CaptureQueriesContext(connection) as seen:
        assert api.get(path).status_code == 403
    assert len(seen) == 1


def _disabled() -> None:
    services.disable(actor="ops", reason="<b>maintenance</b>")


def _unreadable() -> None:
    GoLiveState.objects.all().delete()


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize(
    ("stop", "status", "code"),
    [
        (_disabled, 403, "GO_LIVE_DISABLED"),
        (lambda: services.engage_kill_switch(actor="ops", reason="<b>drill</b>"), 403, "KILL_SWITCH_ENGAGED"),
        (lambda: hold("WHOLESALE"), 403, "ENGINE_HELD"),
        (_unreadable, 503, "GOVERNANCE_UNAVAILABLE"),
    ],
)
def test_a_browser_gets_a_page_and_a_machine_the_problem(
    api: APIClient, stop: Callable[[], None], status: int, code: str
) -> None:
    stop()
    page = api.get("/api/deals", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (page.status_code, page["Content-Type"]) == (status, "text/html; charset=utf-8")
    text = page.content.decode()
    for told in (code, "PROD_EXEC", "/api/deals"):
        assert told in text
    assert "<b>" not in text
    for accept in ("*/*", "application/json", ""):
        assert refusal(api.get("/api/deals", headers={"Accept": accept})) == (status, code)
    assert "Accept" in page["Vary"]
    assert page["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("seeded")
@pytest.mark.usefixtures("killed")
def test_a_rule_of_the_settings_may_name_a_new_engine(api: APIClient, settings: LazySettings) -> None:
    services.release_kill_switch(actor="ops", reason="over")
    settings.GATE_PATH_RULES = (PathRule("/api/unlabelled", "PROD_EXEC", "NEWCOMER"),)
    assert api.get("/api/unlabelled").status_code == 200
    hold("NEWCOMER")
    assert refusal(api.get("/api/unlabelled")) == (403, "ENGINE_HELD")
