from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from governance import clock
from governance.models import AuditEvent, ChangeRequest
from heimdall.models import HeimdallPolicy
from tests.access.factories import caller, stranger
from tests.heimdall.calling import BASE, DOMAIN, FORM, LISTS, WRITES, get, malformed, post
from tests.heimdall.factories import (
    EventFactory,
    PolicyFactory,
    RecommendationFactory,
    ScorecardFactory,
    earned,
    today,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]


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

    @pytest.mark.sqlite  # what is malformed never reaches the database
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

    @pytest.mark.sqlite  # the table of rights is the same on every database
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
