"""Evidence since a fixed start: counted, and judged by ANYTIME."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from governance import clock
from governance.sections import Period
from heimdall import panel, review, services
from heimdall.anytime import ELIGIBLE, INCONCLUSIVE, INELIGIBLE
from heimdall.models import HeimdallEvent, HeimdallEvidence, HeimdallScorecardDay
from heimdall.rules import ANYTIME, POINT
from tests.access.factories import caller
from tests.heimdall.calling import BASE
from tests.heimdall.factories import PolicyFactory, ScorecardFactory, today
from tests.heimdall.proving import DOMAIN, ENOUGH, authorized, changed, proven, ruled, standing, tried

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]


class TestCounting:
    def test_trials_count_since_the_policys_creation_whichever_rule_stands(self) -> None:
        policy = ruled(evidence_rule=POINT)
        ScorecardFactory(domain=DOMAIN, day=today() - dt.timedelta(days=400), trials=7, successes=5)
        tried("SSF")
        row = standing()
        assert (row.start, row.trials, row.successes, row.started_at) == (1, 10, 7, policy.created_at)
        changed(evidence_rule=ANYTIME)
        assert (standing().trials, authorized().evidence.trials) == (10, 10)

    def test_point_answers_by_the_window_alone_and_proves_nothing(self) -> None:
        ruled(evidence_rule=POINT, min_sandbox_trials=2)
        answer = tried("SS")
        assert answer.evidence.proof is None
        assert authorized().ok
        with clock.at(clock.now() + dt.timedelta(days=1)):
            assert authorized().reason == "insufficient_sandbox_trials"

    def test_the_rows_that_a_decision_reads_do_not_grow_with_the_trials(self) -> None:
        ruled()
        counts = []
        for days in (1, 300):
            first = today() - dt.timedelta(days=1_000 + days)
            cards = [ScorecardFactory.build(domain=DOMAIN, day=first - dt.timedelta(days=ago)) for ago in range(days)]
            HeimdallScorecardDay.objects.bulk_create(cards)
            tried("S")
            with CaptureQueriesContext(connection) as seen:
                authorized()
            counts.append(len(seen))
            assert not [query for query in seen.captured_queries if "heimdall_scorecard_day" in query["sql"]]
        assert counts[0] == counts[1]

    def test_a_domain_without_a_policy_has_no_evidence(self) -> None:
        answer = services.trial(domain="NOWHERE", confidence=0.9, success=True, actor="sandbox")
        assert answer.evidence is None
        assert not HeimdallEvidence.objects.filter(domain="NOWHERE").exists()


class TestAnytime:
    def test_admits_at_the_trial_that_proves_it_and_not_one_before(self) -> None:
        ruled()
        before = tried("S" * (ENOUGH - 1))
        assert (before.evidence.proof.answer, before.evidence.proof.trials_needed) == (INCONCLUSIVE, 1)
        refused = authorized()
        assert (refused.ok, refused.reason) == (False, "insufficient_sandbox_trials")
        assert "about 1 more trials" in refused.message
        after = tried("S")
        assert (after.evidence.proof.answer, after.evidence.proof.trials_needed) == (ELIGIBLE, 0)
        assert standing().admitted
        assert authorized().ok

    def test_an_admission_stays_while_later_trials_leave_it_open(self) -> None:
        ruled()
        proven()
        tried("FFFFF")
        assert standing().admitted
        assert authorized().ok

    def test_a_domain_that_is_shown_to_be_below_loses_its_admission(self) -> None:
        ruled()
        proven()
        tried("F" * 40)
        refused = authorized()
        assert (refused.reason, refused.evidence.proof.answer) == ("sandbox_success_rate_below_threshold", INELIGIBLE)
        assert "shown to be below a sandbox success rate of 0.8" in refused.message
        assert not standing().admitted

    def test_the_least_trials_stay_the_least(self) -> None:
        ruled(min_sandbox_trials=30)
        proof = proven().evidence.proof
        assert (proof.answer, proof.trials_needed) == (INCONCLUSIVE, 30 - ENOUGH)
        assert authorized().reason == "insufficient_sandbox_trials"
        assert tried("S" * (30 - ENOUGH)).evidence.proof.answer == ELIGIBLE

    def test_old_trials_go_on_counting(self) -> None:
        ruled()
        with clock.at(clock.now() - dt.timedelta(days=50)):
            proven()
        assert authorized().ok

    def test_asking_for_more_ends_an_admission_that_does_not_bear_it(self) -> None:
        ruled()
        proven()
        changed(min_sandbox_success_rate=Decimal("0.81"))
        assert not standing().admitted
        assert authorized().reason == "insufficient_sandbox_trials"
        changed(min_sandbox_success_rate=Decimal("0.80"))
        assert authorized().ok

    def test_asking_for_more_leaves_an_admission_that_bears_it(self) -> None:
        ruled()
        proven(40)
        changed(min_sandbox_success_rate=Decimal("0.81"))
        assert standing().admitted

    def test_more_that_was_asked_for_under_point_counts_too(self) -> None:
        ruled()
        proven()
        tried("FF")
        changed(evidence_rule=POINT, min_sandbox_success_rate=Decimal("0.95"))
        changed(evidence_rule=ANYTIME, min_sandbox_success_rate=Decimal("0.80"))
        assert not standing().admitted

    def test_a_row_that_is_missing_refuses(self) -> None:
        ruled()
        ScorecardFactory(domain=DOMAIN, trials=500, successes=500)
        assert authorized().reason == "insufficient_sandbox_trials"

    def test_decisions_record_the_start_and_the_answer(self) -> None:
        ruled()
        tried("S")
        scorecard = {"days": 1, "trials": 1, "successes": 1, "start": 1, "answer": INCONCLUSIVE}
        assert HeimdallEvent.objects.latest("pk").figures["evidence"] == scorecard
        authorized()
        assert HeimdallEvent.objects.latest("pk").figures["scorecard"] == scorecard


class TestTold:
    def test_the_review_and_the_panel_say_what_is_missing(self) -> None:
        ruled()
        tried("SSSF")
        now = clock.now() + dt.timedelta(minutes=1)
        told = review.section(Period(now - dt.timedelta(days=7), now))
        line = next(line for line in told.data["domains"] if line["domain"] == DOMAIN)
        assert (line["evidence"]["answer"], line["evidence"]["trials_needed"]) == (INCONCLUSIVE, None)
        assert "lacks proof that its sandbox success rate is above 0.8" in line["lacking"][0]
        assert next(row for row in told.tables[0].rows if row[0] == DOMAIN)[2] == "0.75 of 4 trials, INCONCLUSIVE"
        shown = next(row for row in panel.panel().data["domains"] if str(row["policy"]) == DOMAIN)
        assert shown["shown"].proof.answer == INCONCLUSIVE

    def test_recommend_authorize_trial_and_the_scorecards_tell_the_answer(self, api: APIClient) -> None:
        ruled()
        proven()
        told = api.post(f"{BASE}recommend", {"domain": DOMAIN, "confidence": 0.95}).json()
        expected = {
            "evidence_rule": ANYTIME, "days": 1, "trials": ENOUGH, "successes": ENOUGH, "success_rate": 1,
            "answer": ELIGIBLE, "trials_needed": 0, "start": 1,
        }  # fmt: skip
        assert told["scorecard"] == {**expected, "started_at": told["scorecard"]["started_at"]}
        answer = api.post(f"{BASE}recommendations/{told['id']}/authorize").json()
        assert answer["scorecard"] == told["scorecard"]
        (today_,) = api.get(f"{BASE}scorecard/today").json()
        assert today_["evidence"] == told["scorecard"]
        trial = api.post(f"{BASE}sandbox/trial", {"domain": DOMAIN, "confidence": 0.9, "success": True}).json()
        assert (trial["evidence"]["trials"], trial["evidence"]["answer"]) == (ENOUGH + 1, ELIGIBLE)

    def test_the_list_tells_every_domains_evidence_and_is_narrowed(self, api: APIClient) -> None:
        ruled()
        told = {row["domain"]: row["evidence"] for row in api.get(f"{BASE}evidence").json()["results"]}
        assert len(told) == 5
        assert (told[DOMAIN]["answer"], told["BUYER_MATCH"]["answer"]) == (INCONCLUSIVE, None)
        (only,) = api.get(f"{BASE}evidence", {"evidence_rule": ANYTIME}).json()["results"]
        assert only["domain"] == DOMAIN
        assert api.get(f"{BASE}evidence", {"evidence_rule": "HUNCH"}).status_code == 400

    def test_the_list_asks_the_same_number_of_queries_at_one_row_and_at_ten(self, api: APIClient) -> None:
        counts = []
        for more in (1, 9):
            for _ in range(more):
                PolicyFactory(evidence_rule=ANYTIME)
            with CaptureQueriesContext(connection) as seen:
                api.get(f"{BASE}evidence")
            counts.append(len(seen))
        assert counts[0] == counts[1]

    def test_restart_over_http(self, api: APIClient) -> None:
        ruled()
        tried("SSF")
        told = api.post(f"{BASE}evidence/restart", {"domain": "pricing", "actor": "jo", "reason": "New."}).json()
        assert (told["domain"], told["start"], told["trials"], told["started_by"]) == (DOMAIN, 2, 0, "jo")
        for body, field in (({"domain": DOMAIN}, "reason"), ({"reason": "x"}, "domain")):
            answer = api.post(f"{BASE}evidence/restart", body)
            assert (answer.status_code, list(answer.json()["errors"])) == (400, [field])
        assert api.post(f"{BASE}evidence/restart", {"domain": "NOWHERE", "reason": "x"}).status_code == 404

    @pytest.mark.parametrize("rule", ["anytime", "", None, 1, "HUNCH"])
    def test_an_odd_rule_is_a_400(self, api: APIClient, rule: Any) -> None:
        answer = api.post(f"{BASE}policies/upsert", {"domain": DOMAIN, "evidence_rule": rule})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["evidence_rule"])

    def test_an_engine_may_not_restart(self, settings: LazySettings) -> None:
        settings.API_AUTH = "token"
        ruled()
        body = {"domain": DOMAIN, "reason": "x"}
        assert caller("engine", DOMAIN).post(f"{BASE}evidence/restart", body).status_code == 403
        assert caller("operator", name="o").post(f"{BASE}evidence/restart", body).status_code == 200
