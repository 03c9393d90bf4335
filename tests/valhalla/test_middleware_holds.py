"""The gate while an engine or everything is held, and where enforcement is off."""

from __future__ import annotations

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from golive import services
from golive.models import GoLiveState
from governance import clock, holds
from riskguard.rules import GLOBAL
from tests.riskguard.factories import HOUR, policy
from tests.valhalla.gating import hold, refusal


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
