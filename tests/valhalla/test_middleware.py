"""The gate while production is disabled or killed: every path by every spelling, every method."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from golive import services
from tests.valhalla.gating import EXEMPT, GATED, METHODS, ROUND, WRITES, answered, hold, refusal
from valhalla import settings as site
from valhalla.settings import PathRule


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

    def test_every_other_path_is_refused_known_or_not(self, api: APIClient) -> None:
        for path in [*GATED, *ROUND]:
            assert refusal(api.get(path)) == (403, "GO_LIVE_DISABLED"), path

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

    def test_no_spelling_of_deals_reaches_them(self, api: APIClient) -> None:
        for path in ROUND:
            assert api.get(path).status_code != 200, path
            assert api.post(path, {"title": "x", "amount": 1}).status_code == 403, path

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


@pytest.mark.usefixtures("seeded")
@pytest.mark.usefixtures("killed")
def test_a_rule_of_the_settings_may_name_a_new_engine(api: APIClient, settings: LazySettings) -> None:
    services.release_kill_switch(actor="ops", reason="over")
    settings.GATE_PATH_RULES = (PathRule("/api/unlabelled", "PROD_EXEC", "NEWCOMER"),)
    assert api.get("/api/unlabelled").status_code == 200
    hold("NEWCOMER")
    assert refusal(api.get("/api/unlabelled")) == (403, "ENGINE_HELD")
