from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from golive.services import engage_kill_switch
from governance import holds
from heimdall.models import HeimdallEvent, HeimdallPolicy, HeimdallRecommendation, HeimdallScorecardDay
from tests.heimdall.calling import BASE, DOMAIN, FORM, NO_CONFIDENCE, PROBLEM, WRITES, get, malformed, post
from tests.heimdall.factories import (
    PolicyFactory,
    earned,
    today,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]


class TestTrials:
    def test_a_trial_answers_the_days_scorecard(self, api: APIClient) -> None:
        PolicyFactory(domain=DOMAIN)
        for success, rate in ((True, 1), (False, 0.5), (False, 0.333333)):
            told = post(api, "sandbox/trial", {"domain": "pricing", "confidence": 0.9, "success": success})
            assert (told["ok"], told["reason"], told["success_rate"]) == (True, "recorded", rate)
        assert (told["trials"], told["successes"], told["day"]) == (3, 1, today().isoformat())
        counts = {"trials": 3, "successes": 1, "success_rate": 0.333333}
        proof = dict.fromkeys(("answer", "trials_needed", "start", "started_at"))
        evidence = {"evidence_rule": "POINT", "days": 1, **counts, **proof}
        assert told["evidence"] == evidence
        assert get(api, "scorecard/today") == [
            {"day": today().isoformat(), "domain": DOMAIN, **counts, "evidence": evidence}
        ]

    def test_an_unknown_domain_is_a_refusal_that_is_recorded_and_creates_nothing(self, api: APIClient) -> None:
        before = HeimdallPolicy.objects.count()
        told = post(api, "sandbox/trial", {"domain": "NOWHERE", "confidence": 0.9, "success": True})
        assert (told["ok"], told["reason"], told["trials"], told["success_rate"]) == (False, "policy_missing", 0, None)
        assert HeimdallPolicy.objects.count() == before
        assert not HeimdallScorecardDay.objects.exists()
        assert HeimdallEvent.objects.get().reason == "policy_missing"

    @pytest.mark.sqlite  # what is malformed never reaches the database
    @pytest.mark.parametrize("confidence", NO_CONFIDENCE)
    def test_a_confidence_is_a_number_from_0_to_1(self, api: APIClient, confidence: Any) -> None:
        PolicyFactory(domain=DOMAIN)
        for path in ("sandbox/trial", "recommend"):
            malformed(api.post(BASE + path, {**WRITES[path], "confidence": confidence}), "confidence")
        assert not HeimdallEvent.objects.exists()

    @pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e400"])
    def test_what_is_no_json_number_is_no_confidence(self, api: APIClient, literal: str) -> None:
        body = f'{{"domain": "PRICING", "success": true, "confidence": {literal}}}'
        for path in ("sandbox/trial", "recommend"):
            answer = api.generic("POST", BASE + path, body, content_type="application/json")
            assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)

    @pytest.mark.parametrize("confidence", [0, 1, 0.5, "0.5"])
    def test_the_ends_are_numbers_from_0_to_1(self, api: APIClient, confidence: Any) -> None:
        PolicyFactory(domain=DOMAIN)
        for path in ("sandbox/trial", "recommend"):
            post(api, path, {**WRITES[path], "confidence": confidence})

    @pytest.mark.sqlite
    @pytest.mark.parametrize("success", [None, 1, 0, "maybe", "", [], "null"])
    def test_success_is_true_or_false(self, api: APIClient, success: Any) -> None:
        malformed(api.post(BASE + "sandbox/trial", {**WRITES["sandbox/trial"], "success": success}), "success")

    def test_a_missing_success_is_not_a_failure(self, api: APIClient) -> None:
        malformed(api.post(BASE + "sandbox/trial", {"domain": DOMAIN, "confidence": 0.9}), "success")
        answer = api.generic("POST", BASE + "sandbox/trial", "domain=PRICING&confidence=0.9", content_type=FORM)
        malformed(answer, "success")


class TestRecommendations:
    def test_the_seed_documents_recommendation_is_stored_and_not_eligible(self, api: APIClient) -> None:
        told = post(
            api,
            "recommend",
            {
                "domain": "WHOLESALE_OFFER",
                "confidence": 0.95,
                "recommendation": {"offer_id": 123, "price": 1500},
                "evidence": {"model": "v2.1", "prediction_score": 0.95},
                "actor": "heimdall_ai",
            },
        )
        assert (told["prod_eligible"], told["gate_reason"], told["confidence"]) == (False, "prod_use_disabled", 0.95)
        assert told["policy"]["domain"] == "WHOLESALE_OFFER"
        assert (told["scorecard"]["trials"], told["scorecard"]["success_rate"]) == (0, None)
        stored = get(api, f"recommendations/{told['id']}")
        assert (stored["recommendation"], stored["evidence"]) == (
            {"offer_id": 123, "price": 1500},
            {"model": "v2.1", "prediction_score": 0.95},
        )
        assert (stored["actor"], stored["authorized_at"], stored["authorized_by"]) == ("heimdall_ai", None, "")

    def test_an_unknown_domain_is_stored_as_not_eligible_and_creates_no_policy(self, api: APIClient) -> None:
        before = HeimdallPolicy.objects.count()
        told = post(api, "recommend", {"domain": "NOWHERE", "confidence": 1})
        assert (told["prod_eligible"], told["gate_reason"], told["policy"]) == (False, "policy_missing", None)
        assert HeimdallPolicy.objects.count() == before

    def test_one_that_passes_is_authorized_once(self, api: APIClient) -> None:
        wanted = earned(DOMAIN)
        first = post(api, f"recommendations/{wanted.pk}/authorize", {"actor": "engine"})
        assert (first["ok"], first["reason"], first["recommendation"]["authorized_by"]) == (True, "gate_pass", "engine")
        second = post(api, f"recommendations/{wanted.pk}/authorize", {"actor": "engine"})
        assert (second["ok"], second["reason"]) == (False, "already_used")

    @pytest.mark.parametrize(
        ("policy", "reason"),
        [
            ({"prod_use_enabled": False}, "prod_use_disabled"),
            ({"min_confidence_prod": 0.96}, "confidence_below_threshold"),
            ({"min_sandbox_trials": 11}, "insufficient_sandbox_trials"),
            ({"min_sandbox_success_rate": 0.81}, "sandbox_success_rate_below_threshold"),
        ],
    )
    def test_one_that_lacks_something_is_refused_with_the_reason(
        self, api: APIClient, policy: dict[str, Any], reason: str
    ) -> None:
        wanted = earned(DOMAIN, **policy)
        told = post(api, f"recommendations/{wanted.pk}/authorize")
        assert (told["ok"], told["reason"], told["recommendation"]["authorized_at"]) == (False, reason, None)
        assert told["message"]

    def test_a_hold_on_the_engine_and_the_kill_switch_refuse(self, api: APIClient) -> None:
        wanted = earned(DOMAIN, engine="OFFERS")
        holds.place(scope="OFFERS", source="test", code="tripped", reason="rates fell", rank=40)
        assert post(api, f"recommendations/{wanted.pk}/authorize")["reason"] == "tripped"
        engage_kill_switch(actor="ops", reason="drill")
        assert post(api, f"recommendations/{wanted.pk}/authorize")["reason"] == "kill_switch_engaged"

    @pytest.mark.parametrize("key", ["999", "9" * 18])
    def test_one_that_is_not_there_is_a_404(self, api: APIClient, key: str) -> None:
        for answer in (api.post(f"{BASE}recommendations/{key}/authorize"), api.get(f"{BASE}recommendations/{key}")):
            assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)

    @pytest.mark.parametrize("key", ["x", "-1", "9" * 19, "1.5"])
    def test_what_can_be_no_id_is_a_404(self, api: APIClient, key: str) -> None:
        for answer in (api.post(f"{BASE}recommendations/{key}/authorize"), api.get(f"{BASE}recommendations/{key}")):
            assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)

    @pytest.mark.parametrize("field", ["recommendation", "evidence"])
    @pytest.mark.parametrize("value", ["{}", "x", [], 1, None, {"a\0": 1}, {"a": "\0"}, {"a": 2**63}])
    def test_a_document_is_a_json_object_that_can_be_stored(self, api: APIClient, field: str, value: Any) -> None:
        answer = api.post(BASE + "recommend", {"domain": DOMAIN, "confidence": 0.9, field: value})
        malformed(answer, field)
        assert not HeimdallRecommendation.objects.exists()
