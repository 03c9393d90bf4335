from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from golive.services import engage_kill_switch
from governance import clock, holds
from governance.models import AuditEvent, ChangeRequest
from heimdall.models import HeimdallEvent, HeimdallPolicy, HeimdallRecommendation, HeimdallScorecardDay
from tests.access.factories import caller, stranger
from tests.heimdall.factories import (
    EventFactory,
    PolicyFactory,
    RecommendationFactory,
    ScorecardFactory,
    earned,
    today,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]
BASE = "/api/governance/heimdall/"
PROBLEM = "application/problem+json"
FORM = "application/x-www-form-urlencoded"
DOMAIN = "PRICING"
LISTS = ["scorecard", "recommendations", "events"]
WRITES = {
    "policies/upsert": {"domain": DOMAIN, "prod_use_enabled": False},
    "sandbox/trial": {"domain": DOMAIN, "confidence": 0.9, "success": True},
    "recommend": {"domain": DOMAIN, "confidence": 0.9},
}
NO_CONFIDENCE = [-0.000001, 1.000001, 2, True, False, None, "high", "", "NaN", "inf", [], {}, 10**400]


def post(api: APIClient, path: str, body: dict[str, Any] | None = None, expect: int = 200) -> Any:
    answer = api.post(BASE + path, body or {})
    assert answer.status_code == expect, answer.content
    return answer.json()


def get(api: APIClient, path: str, **query: Any) -> Any:
    answer = api.get(BASE + path, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def malformed(answer: Any, field: str) -> None:
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM), answer.content
    assert list(answer.json()["errors"]) == [field]


class TestPolicies:
    def test_the_seeds_are_listed_by_domain_in_a_bare_array(self, api: APIClient) -> None:
        told = get(api, "policies")
        assert [row["domain"] for row in told] == [
            "BUYER_MATCH", "CAPITAL_ROUTE", "FOLLOWUP_NEXT_ACTION", "WHOLESALE_OFFER",
        ]  # fmt: skip
        offer = told[3]
        assert (offer["engine"], offer["min_confidence_prod"], offer["min_sandbox_trials"]) == ("WHOLESALE", 0.92, 75)
        assert (offer["min_sandbox_success_rate"], offer["prod_use_enabled"], offer["evidence_days"]) == (
            0.82,
            False,
            1,
        )

    def test_an_upsert_changes_what_it_names_and_nothing_else(self, api: APIClient) -> None:
        before = HeimdallPolicy.objects.get(domain="BUYER_MATCH")
        told = post(api, "policies/upsert", {"domain": " buyer_match ", "min_sandbox_trials": 51, "changed_by": "jo"})
        assert (told["domain"], told["min_sandbox_trials"], told["changed_by"]) == ("BUYER_MATCH", 51, "jo")
        after = HeimdallPolicy.objects.get(domain="BUYER_MATCH")
        for name in ("engine", "min_confidence_prod", "min_sandbox_success_rate", "prod_use_enabled", "evidence_days"):
            assert getattr(after, name) == getattr(before, name)
        event = AuditEvent.objects.latest("pk")
        assert (event.action, event.target, event.actor) == ("heimdall.policy.set", "BUYER_MATCH", "jo")

    def test_an_upsert_of_a_new_domain_asks_for_everything_and_is_off(self, api: APIClient) -> None:
        told = post(api, "policies/upsert", {"domain": "fresh"})
        assert (told["domain"], told["engine"], told["prod_use_enabled"]) == ("FRESH", "FRESH", False)
        assert (told["min_confidence_prod"], told["min_sandbox_success_rate"], told["min_sandbox_trials"]) == (1, 1, 1)

    @pytest.mark.parametrize(
        ("body", "kind"),
        [
            ("domain=BUYER_MATCH&prod_use_enabled=true&min_confidence_prod=0.91", FORM),
            ('{"domain": "BUYER_MATCH", "prod_use_enabled": true, "min_confidence_prod": 0.91}', "application/json"),
        ],
    )
    @pytest.mark.parametrize("slash", ["", "/"])
    def test_json_and_forms_are_alike(self, api: APIClient, body: str, kind: str, slash: str) -> None:
        answer = api.generic("POST", f"{BASE}policies/upsert{slash}", body, content_type=kind)
        told = answer.json()
        assert (answer.status_code, told["prod_use_enabled"], told["min_confidence_prod"]) == (200, True, 0.91)

    @pytest.mark.parametrize(
        ("field", "values"),
        [
            ("min_confidence_prod", [-0.01, 1.01, True, "NaN", "x", None, 0.1234567, []]),
            ("min_sandbox_success_rate", [-0.01, 1.01, False, "Infinity", None]),
            ("min_sandbox_trials", [-1, 1.5, True, "ten", None, 10**9 + 1]),
            ("evidence_days", [0, 367, 1.5, True, None]),
            ("prod_use_enabled", [1, 0, "maybe", None, "null"]),
            ("engine", ["", " ", "A B", "x" * 65, None, "a\0b", "é"]),
            ("domain", ["", " ", "A B", "x" * 65, None, "a\0b", 7.5, []]),
        ],
    )
    def test_bad_input_is_a_400_that_names_the_field_and_changes_nothing(
        self, api: APIClient, field: str, values: list[Any]
    ) -> None:
        before = list(HeimdallPolicy.objects.values())
        for value in values:
            malformed(api.post(BASE + "policies/upsert", {"domain": DOMAIN, field: value}), field)
        assert list(HeimdallPolicy.objects.values()) == before

    def test_an_unknown_field_and_a_missing_domain_are_400s(self, api: APIClient) -> None:
        malformed(api.post(BASE + "policies/upsert", {"domain": DOMAIN, "min_confidense": 0.5}), "min_confidense")
        malformed(api.post(BASE + "policies/upsert", {}), "domain")

    def test_with_four_eyes_what_loosens_waits_and_what_tightens_is_applied(
        self, api: APIClient, settings: LazySettings
    ) -> None:
        settings.FOUR_EYES = True
        body = {"domain": "BUYER_MATCH", "prod_use_enabled": True, "min_sandbox_trials": 60, "reason": "earned"}
        told = post(api, "policies/upsert", {**body, "actor": "jo"}, 202)
        assert (told["applied"]["min_sandbox_trials"], told["applied"]["prod_use_enabled"]) == (60, False)
        assert ChangeRequest.objects.get().patch == {"prod_use_enabled": True}


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


class TestLists:
    @pytest.fixture
    def _rows(self) -> None:
        for number in range(3):
            domain = f"D{number}"
            RecommendationFactory(domain=domain, actor=f"ai{number}")
            ScorecardFactory(domain=domain, day=today() - dt.timedelta(days=number))
            EventFactory(domain=domain, actor=f"ai{number}")

    @pytest.mark.usefixtures("_rows")
    @pytest.mark.parametrize("path", LISTS)
    def test_a_list_is_paginated_with_the_newest_first(self, api: APIClient, path: str) -> None:
        told = get(api, path, page_size=2)
        assert [row["domain"] for row in told["results"]] == ["D2", "D1"]
        following = api.get(told["next"]).json()
        assert ([row["domain"] for row in following["results"]], following["next"]) == (["D0"], None)

    @pytest.mark.usefixtures("_rows")
    @pytest.mark.parametrize(
        ("path", "query", "domains"),
        [
            ("scorecard", {"domain": "D1"}, ["D1"]),
            ("scorecard", {"day_from": "today"}, ["D0"]),
            ("recommendations", {"actor": "ai2"}, ["D2"]),
            ("recommendations", {"authorized": "true"}, []),
            ("recommendations", {"authorized": "false", "domain": "D0"}, ["D0"]),
            ("recommendations", {"gate_reason": "policy_missing"}, []),
            ("events", {"domain": "D1", "kind": "DENY"}, ["D1"]),
            ("events", {"kind": "TRIAL"}, []),
        ],
    )
    def test_a_list_is_narrowed(self, api: APIClient, path: str, query: dict[str, str], domains: list[str]) -> None:
        query = {name: today().isoformat() if value == "today" else value for name, value in query.items()}
        assert [row["domain"] for row in get(api, path, **query)["results"]] == domains

    @pytest.mark.parametrize(
        ("path", "field", "value"),
        [("scorecard", "day", "monday"), ("events", "kind", "WHIM"), ("recommendations", "since", "yesterday")],
    )
    def test_a_filter_that_cannot_be_is_a_400(self, api: APIClient, path: str, field: str, value: str) -> None:
        malformed(api.get(BASE + path, {field: value}), field)

    @pytest.mark.parametrize("path", [*LISTS, "policies", "scorecard/today"])
    def test_a_list_asks_the_same_number_of_queries_at_one_row_and_at_ten(self, api: APIClient, path: str) -> None:
        counts = []
        for more in (1, 9):
            for _ in range(more):
                RecommendationFactory()
                ScorecardFactory(domain=PolicyFactory().domain)
                EventFactory()
            with CaptureQueriesContext(connection) as seen:
                get(api, path)
            counts.append(len(seen))
        assert counts[0] == counts[1]

    def test_yesterdays_scorecard_is_not_todays(self, api: APIClient) -> None:
        ScorecardFactory(domain=DOMAIN)
        with clock.at(clock.now() + dt.timedelta(days=1)):
            assert get(api, "scorecard/today") == []
            assert len(get(api, "scorecard")["results"]) == 1


class TestWhoMayCall:
    @pytest.fixture(autouse=True)
    def _closed(self, settings: LazySettings, live: None) -> None:
        settings.API_AUTH = "token"

    def test_a_stranger_is_asked_for_a_token(self) -> None:
        for path in (*LISTS, "policies", "scorecard/today"):
            assert stranger().get(BASE + path).status_code == 401
        for path, body in WRITES.items():
            assert stranger().post(BASE + path, body).status_code == 401

    @pytest.mark.parametrize(
        ("role", "allowed"),
        [
            ("viewer", set()),
            ("approver", set()),
            ("auditor", set()),
            ("operator", {"policies/upsert"}),
            ("engine", {"sandbox/trial", "recommend"}),
        ],
    )
    def test_each_role_writes_what_is_its_own(self, role: str, allowed: set[str]) -> None:
        api = caller(role, DOMAIN)
        for path, body in WRITES.items():
            assert api.post(BASE + path, body).status_code == (200 if path in allowed else 403), path

    def test_authorizing_is_an_engines(self) -> None:
        wanted = earned(DOMAIN)
        path = f"{BASE}recommendations/{wanted.pk}/authorize"
        assert caller("operator", name="o").post(path).status_code == 403
        assert caller("engine", "OTHER", name="e").post(path).status_code == 403
        told = caller("engine", DOMAIN, name="f").post(path).json()
        assert (told["ok"], told["recommendation"]["authorized_by"]) == (True, "f")


@pytest.mark.parametrize("path", [*LISTS, "policies", "scorecard/today"])
def test_what_reads_takes_no_write_and_what_writes_no_read(api: APIClient, path: str) -> None:
    assert api.post(BASE + path, {}).status_code == 405
    for written in WRITES:
        assert api.get(BASE + written).status_code == 405
