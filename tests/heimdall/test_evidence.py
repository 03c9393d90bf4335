"""Evidence since a fixed start: counted, judged by ANYTIME, started anew by people and by trips."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from governance import changes, clock, facts
from governance.errors import Invalid, NotFound, Unapproved
from governance.facts import Tripped
from governance.models import AuditEvent
from governance.sections import Period
from heimdall import panel, review, rules, services
from heimdall.anytime import ELIGIBLE, INCONCLUSIVE, INELIGIBLE
from heimdall.models import HeimdallEvent, HeimdallEvidence, HeimdallPolicy, HeimdallScorecardDay
from heimdall.rules import ANYTIME, POINT
from regression import services as regression
from riskguard import services as riskguard
from tests.access.factories import caller
from tests.governance.door import approve
from tests.heimdall.factories import PolicyFactory, RecommendationFactory, ScorecardFactory, today
from tests.regression import factories as kpis

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]
DOMAIN = "PRICING"
BASE = "/api/governance/heimdall/"
ENOUGH = 23  # successes in a row that prove a rate above 0.8


def _policy(**given: Any) -> HeimdallPolicy:
    return PolicyFactory(**{"domain": DOMAIN, "evidence_rule": ANYTIME, "min_sandbox_trials": 1, **given})


def _try(outcomes: str) -> Any:
    """Record a trial for each letter: S succeeds, F fails."""
    for letter in outcomes:
        answer = services.trial(domain=DOMAIN, confidence=0.9, success=letter == "S", actor="sandbox")
    return answer


def _set(**patch: Any) -> Any:
    return services.set_policy(domain=DOMAIN, patch=patch, actor="jo", reason="test")


def _restart(reason: str = "A new model.") -> HeimdallEvidence:
    return services.restart_evidence(domain=DOMAIN, actor="jo", reason=reason)


def _row() -> HeimdallEvidence:
    return HeimdallEvidence.objects.get(domain=DOMAIN)


def _authorize() -> Any:
    return services.authorize(recommendation_id=RecommendationFactory(domain=DOMAIN).pk, actor="engine")


def _trip(engine: str = DOMAIN) -> None:
    facts.tell(Tripped(engine=engine, actor="regression-tripwire", reason="It dropped."))


class TestCounting:
    def test_trials_count_since_the_policys_creation_whichever_rule_stands(self) -> None:
        policy = _policy(evidence_rule=POINT)
        ScorecardFactory(domain=DOMAIN, day=today() - dt.timedelta(days=400), trials=7, successes=5)
        _try("SSF")
        row = _row()
        assert (row.start, row.trials, row.successes, row.started_at) == (1, 10, 7, policy.created_at)
        _set(evidence_rule=ANYTIME)
        assert (_row().trials, _authorize().evidence.trials) == (10, 10)

    def test_point_answers_by_the_window_alone_and_proves_nothing(self) -> None:
        _policy(evidence_rule=POINT, min_sandbox_trials=2)
        answer = _try("SS")
        assert answer.evidence.proof is None
        assert _authorize().ok
        with clock.at(clock.now() + dt.timedelta(days=1)):
            assert _authorize().reason == "insufficient_sandbox_trials"

    def test_the_rows_that_a_decision_reads_do_not_grow_with_the_trials(self) -> None:
        _policy()
        counts = []
        for days in (1, 300):
            for ago in range(days):
                ScorecardFactory(domain=DOMAIN, day=today() - dt.timedelta(days=1_000 + days + ago))
            _try("S")
            with CaptureQueriesContext(connection) as seen:
                _authorize()
            counts.append(len(seen))
            assert not [query for query in seen.captured_queries if "heimdall_scorecard_day" in query["sql"]]
        assert counts[0] == counts[1]

    def test_a_domain_without_a_policy_has_no_evidence(self) -> None:
        answer = services.trial(domain="NOWHERE", confidence=0.9, success=True, actor="sandbox")
        assert answer.evidence is None
        assert not HeimdallEvidence.objects.filter(domain="NOWHERE").exists()


class TestAnytime:
    def test_admits_at_the_trial_that_proves_it_and_not_one_before(self) -> None:
        _policy()
        before = _try("S" * (ENOUGH - 1))
        assert (before.evidence.proof.answer, before.evidence.proof.trials_needed) == (INCONCLUSIVE, 1)
        refused = _authorize()
        assert (refused.ok, refused.reason) == (False, "insufficient_sandbox_trials")
        assert "about 1 more trials" in refused.message
        after = _try("S")
        assert (after.evidence.proof.answer, after.evidence.proof.trials_needed) == (ELIGIBLE, 0)
        assert _row().admitted
        assert _authorize().ok

    def test_an_admission_stays_while_later_trials_leave_it_open(self) -> None:
        _policy()
        _try("S" * ENOUGH + "FFFFF")
        assert _row().admitted
        assert _authorize().ok

    def test_a_domain_that_is_shown_to_be_below_loses_its_admission(self) -> None:
        _policy()
        _try("S" * ENOUGH + "F" * 40)
        refused = _authorize()
        assert (refused.reason, refused.evidence.proof.answer) == ("sandbox_success_rate_below_threshold", INELIGIBLE)
        assert "shown to be below a sandbox success rate of 0.8" in refused.message
        assert not _row().admitted

    def test_the_least_trials_stay_the_least(self) -> None:
        _policy(min_sandbox_trials=30)
        proof = _try("S" * ENOUGH).evidence.proof
        assert (proof.answer, proof.trials_needed) == (INCONCLUSIVE, 30 - ENOUGH)
        assert _authorize().reason == "insufficient_sandbox_trials"
        assert _try("S" * (30 - ENOUGH)).evidence.proof.answer == ELIGIBLE

    def test_old_trials_go_on_counting(self) -> None:
        _policy()
        with clock.at(clock.now() - dt.timedelta(days=50)):
            _try("S" * ENOUGH)
        assert _authorize().ok

    def test_asking_for_more_ends_an_admission_that_does_not_bear_it(self) -> None:
        _policy()
        _try("S" * ENOUGH)
        _set(min_sandbox_success_rate=Decimal("0.81"))
        assert not _row().admitted
        assert _authorize().reason == "insufficient_sandbox_trials"
        _set(min_sandbox_success_rate=Decimal("0.80"))
        assert _authorize().ok

    def test_asking_for_more_leaves_an_admission_that_bears_it(self) -> None:
        _policy()
        _try("S" * 40)
        _set(min_sandbox_success_rate=Decimal("0.81"))
        assert _row().admitted

    def test_more_that_was_asked_for_under_point_counts_too(self) -> None:
        _policy()
        _try("S" * ENOUGH + "FF")
        _set(evidence_rule=POINT, min_sandbox_success_rate=Decimal("0.95"))
        _set(evidence_rule=ANYTIME, min_sandbox_success_rate=Decimal("0.80"))
        assert not _row().admitted

    def test_a_row_that_is_missing_refuses(self) -> None:
        _policy()
        ScorecardFactory(domain=DOMAIN, trials=500, successes=500)
        assert _authorize().reason == "insufficient_sandbox_trials"

    def test_decisions_record_the_start_and_the_answer(self) -> None:
        _policy()
        _try("S")
        scorecard = {"days": 1, "trials": 1, "successes": 1, "start": 1, "answer": INCONCLUSIVE}
        assert HeimdallEvent.objects.latest("pk").figures["evidence"] == scorecard
        _authorize()
        assert HeimdallEvent.objects.latest("pk").figures["scorecard"] == scorecard


class TestRestart:
    def test_no_trial_counts_and_no_admission_stands(self) -> None:
        _policy()
        _try("S" * ENOUGH)
        row = _restart()
        assert (row.start, row.trials, row.admitted, row.started_by, row.reason) == (2, 0, False, "jo", "A new model.")
        assert _authorize().reason == "insufficient_sandbox_trials"
        assert HeimdallScorecardDay.objects.get(domain=DOMAIN).trials == ENOUGH

    def test_the_next_start_asks_for_more_evidence(self) -> None:
        _policy()
        _try("S")
        _restart()
        _try("S" * ENOUGH)
        assert not _row().admitted
        _try("S" * 10)
        assert _row().admitted

    def test_a_start_without_a_trial_has_spent_nothing(self) -> None:
        _policy()
        _restart()
        assert _restart().start == 1

    def test_it_is_in_the_trail_with_what_it_threw_away(self) -> None:
        _policy()
        _try("S" * ENOUGH)
        _restart()
        event = AuditEvent.objects.latest("pk")
        assert (event.action, event.target, event.actor) == ("heimdall.evidence.restart", DOMAIN, "jo")
        assert event.before == {"start": 1, "admitted": True, "trials": ENOUGH, "successes": ENOUGH}
        assert event.after == {"start": 2, "admitted": False, "trials": 0, "successes": 0}

    def test_needs_a_reason_and_a_policy(self) -> None:
        _policy()
        with pytest.raises(Invalid, match="reason"):
            _restart(" ")
        with pytest.raises(NotFound, match="no Heimdall policy for NOWHERE"):
            services.restart_evidence(domain="NOWHERE", actor="jo", reason="x")

    def test_with_four_eyes_it_waits_unless_it_takes_an_admission_away(self, settings: LazySettings) -> None:
        settings.FOUR_EYES = True
        _policy()
        _try("S")
        with pytest.raises(Unapproved):
            _restart()
        asked = {"action": rules.RESTART, "target": "pricing", "patch": {}, "actor": "jo", "reason": "New."}
        waits = changes.submit(**asked)
        assert isinstance(waits, changes.Pending)
        _try("S" * ENOUGH)  # trials move the counts, and make nothing stale
        assert isinstance(changes.submit(**asked), changes.Applied)
        assert (_row().start, _row().admitted) == (2, False)

    def test_approved_it_starts_anew(self, settings: LazySettings) -> None:
        settings.FOUR_EYES = True
        _policy()
        _try("SF")
        waits = changes.submit(action=rules.RESTART, target=DOMAIN, patch={}, actor="jo", reason="New.")
        assert isinstance(waits, changes.Pending)
        _try("S")
        assert isinstance(approve(waits.change, "sam"), changes.Applied)
        assert (_row().start, _row().trials) == (2, 0)

    @pytest.mark.parametrize(("stands", "asked"), [(POINT, ANYTIME), (ANYTIME, POINT)])
    def test_another_rule_waits_for_a_second_person_either_way(
        self, settings: LazySettings, stands: str, asked: str
    ) -> None:
        settings.FOUR_EYES = True
        _policy(evidence_rule=stands)
        patch = {"evidence_rule": asked, "min_sandbox_trials": 99}
        waits = changes.submit(action=rules.SET_POLICY, target=DOMAIN, patch=patch, actor="jo", reason="x")
        assert isinstance(waits, changes.Pending)
        row = HeimdallPolicy.objects.get(domain=DOMAIN)
        assert (row.evidence_rule, row.min_sandbox_trials) == (stands, 99)


class TestTrips:
    def test_a_trip_of_the_engine_takes_the_admission_and_the_evidence(self) -> None:
        _policy(engine="OFFERS")
        _try("S" * ENOUGH)
        _trip("ANOTHER")
        assert _row().admitted
        _trip("OFFERS")
        row = _row()
        assert (row.start, row.trials, row.admitted, row.reason) == (2, 0, False, "It dropped.")
        event = AuditEvent.objects.latest("pk")
        assert (event.action, event.target, event.actor) == (rules.RESTART, DOMAIN, "regression-tripwire")

    def test_a_trip_needs_no_second_person(self, settings: LazySettings) -> None:
        settings.FOUR_EYES = True
        _policy()
        _try("SS")
        _trip()
        assert _row().start == 2

    def test_evidence_that_was_never_begun_stays_as_it_is(self) -> None:
        _policy()
        rows = AuditEvent.objects.count()
        _trip()
        assert (_row().start, AuditEvent.objects.count()) == (1, rows)

    @pytest.mark.parametrize("mode", ["ENFORCE", "SHADOW"])
    @pytest.mark.parametrize("batch", [False, True])
    def test_a_tripwire_that_pulls_revokes_in_the_same_transaction(self, batch: bool, mode: str) -> None:
        _policy(engine=kpis.DOMAIN)
        _try("S" * ENOUGH)
        kpis.PolicyFactory(mode=mode)
        if batch:
            seen = [regression.Observation(**kpis.PAIR, success=number < 8) for number in range(12)]
            regression.record_kpis(observations=seen, actor="bot")
        else:
            kpis.record("SSSSSSSSFFFF")
        row = _row()
        if mode == "SHADOW":
            assert row.admitted
            return
        assert (row.start, row.admitted) == (2, False)
        assert row.reason.startswith(f"Regression tripwire: {kpis.DOMAIN}.{kpis.METRIC}")
        assert AuditEvent.objects.filter(action=rules.RESTART).latest("pk").via == "tripwire"
        assert not _authorize().ok

    def test_re_arming_gives_no_admission_back(self) -> None:
        _policy(engine=kpis.DOMAIN)
        _try("S" * ENOUGH)
        kpis.PolicyFactory()
        kpis.record("SSSSSSSSFFFF")
        kpis.rearm()
        riskguard.set_policy(engine=kpis.DOMAIN, patch={"enabled": True}, actor="jo", reason="mended")
        assert _authorize().reason == "insufficient_sandbox_trials"

    def test_a_trip_that_fails_leaves_the_evidence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        _policy(engine=kpis.DOMAIN)
        _try("S" * ENOUGH)
        kpis.PolicyFactory()
        kpis.record("SSSSSSSSFFF")

        def broken(**_asked: Any) -> None:
            raise RuntimeError("no")

        monkeypatch.setattr("heimdall.admission.audit.record", broken)
        with pytest.raises(RuntimeError, match="no"):
            kpis.record("F")
        monkeypatch.undo()
        assert _row().admitted
        assert not regression.evaluate(**kpis.PAIR, actor="x").last_triggered_at  # type: ignore[union-attr]


class TestTold:
    def test_the_review_and_the_panel_say_what_is_missing(self) -> None:
        _policy()
        _try("SSSF")
        now = clock.now() + dt.timedelta(minutes=1)
        told = review.section(Period(now - dt.timedelta(days=7), now))
        line = next(line for line in told.data["domains"] if line["domain"] == DOMAIN)
        assert (line["evidence"]["answer"], line["evidence"]["trials_needed"]) == (INCONCLUSIVE, None)
        assert "lacks proof that its sandbox success rate is above 0.8" in line["lacking"][0]
        assert next(row for row in told.tables[0].rows if row[0] == DOMAIN)[2] == "0.75 of 4 trials, INCONCLUSIVE"
        shown = next(row for row in panel.panel().data["domains"] if str(row["policy"]) == DOMAIN)
        assert shown["shown"].proof.answer == INCONCLUSIVE

    def test_recommend_authorize_trial_and_the_scorecards_tell_the_answer(self, api: APIClient) -> None:
        _policy()
        _try("S" * ENOUGH)
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
        _policy()
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
        _policy()
        _try("SSF")
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
        _policy()
        body = {"domain": DOMAIN, "reason": "x"}
        assert caller("engine", DOMAIN).post(f"{BASE}evidence/restart", body).status_code == 403
        assert caller("operator", name="o").post(f"{BASE}evidence/restart", body).status_code == 200
