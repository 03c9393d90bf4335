from __future__ import annotations

import datetime as dt

import pytest

from governance import clock
from heimdall import services
from heimdall.models import HeimdallEvent, HeimdallPolicy, HeimdallRecommendation, HeimdallScorecardDay
from tests.heimdall.asking import DOMAIN, recommend
from tests.heimdall.factories import PolicyFactory, ScorecardFactory, today

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]


def test_trials_count_on_the_days_scorecard() -> None:
    PolicyFactory(domain=DOMAIN)
    for success in (True, False, True):
        answer = services.trial(domain=DOMAIN, confidence=0.9, success=success, actor="sandbox")
    assert (answer.ok, answer.reason) == (True, "recorded")
    assert (answer.scorecard.trials, answer.scorecard.successes) == (3, 2)
    assert answer.scorecard.day == today()
    event = HeimdallEvent.objects.latest("pk")
    assert (event.kind, event.success, event.confidence, event.reason) == ("TRIAL", True, 0.9, "recorded")
    assert event.figures == {"scorecard": {"days": 1, "trials": 3, "successes": 2}}


def test_a_trial_counts_on_the_utc_day_of_the_clock() -> None:
    PolicyFactory(domain=DOMAIN)
    for hour, minute in ((23, 59), (0, 0)):
        moment = dt.datetime(2026, 11, 23 if hour else 24, hour, minute, tzinfo=dt.UTC)
        with clock.at(moment):
            services.trial(domain=DOMAIN, confidence=0.9, success=True, actor="sandbox")
    days = HeimdallScorecardDay.objects.order_by("day").values_list("day", "trials")
    assert list(days) == [(dt.date(2026, 11, 23), 1), (dt.date(2026, 11, 24), 1)]


def test_a_trial_of_an_unknown_domain_is_refused_recorded_and_creates_nothing() -> None:
    before = HeimdallPolicy.objects.count()
    answer = services.trial(domain="NOWHERE", confidence=0.9, success=True, actor="sandbox")
    assert (answer.ok, answer.reason, answer.scorecard.trials) == (False, "policy_missing", 0)
    assert "no Heimdall policy for NOWHERE" in answer.message
    assert HeimdallPolicy.objects.count() == before
    assert not HeimdallScorecardDay.objects.exists()
    event = HeimdallEvent.objects.get()
    assert (event.kind, event.domain, event.reason) == ("DENY", "NOWHERE", "policy_missing")


def test_a_recommendation_is_stored_with_what_it_was_judged_by() -> None:
    PolicyFactory(domain=DOMAIN, engine="OFFERS")
    ScorecardFactory(domain=DOMAIN)
    judgement = recommend(recommendation={"price": 1500}, evidence={"model": "v2.1"}, correlation_id="abc")
    stored = HeimdallRecommendation.objects.get()
    assert (stored.prod_eligible, stored.gate_reason, stored.engine) == (True, "gate_pass", "OFFERS")
    assert (stored.recommendation, stored.evidence, stored.correlation_id) == (
        {"price": 1500},
        {"model": "v2.1"},
        "abc",
    )
    assert (judgement.evidence.trials, judgement.evidence.successes) == (10, 8)
    event = HeimdallEvent.objects.get()
    assert (event.kind, event.recommendation, event.reason) == ("RECOMMEND", stored, "gate_pass")
    assert event.figures["policy"]["min_confidence_prod"] == "0.9"
    assert event.figures["scorecard"] == {"days": 1, "trials": 10, "successes": 8}


def test_a_recommendation_of_an_unknown_domain_is_stored_as_not_eligible() -> None:
    before = HeimdallPolicy.objects.count()
    judgement = recommend(domain="NOWHERE")
    assert judgement.policy is None
    stored = HeimdallRecommendation.objects.get()
    assert (stored.prod_eligible, stored.gate_reason, stored.engine) == (False, "policy_missing", "")
    assert HeimdallPolicy.objects.count() == before


@pytest.mark.parametrize(("days_ago", "days", "counts"), [(1, 1, False), (1, 2, True), (6, 7, True), (7, 7, False)])
def test_evidence_counts_within_the_window_alone(days_ago: int, days: int, counts: bool) -> None:
    PolicyFactory(domain=DOMAIN, evidence_days=days)
    ScorecardFactory(domain=DOMAIN, day=today() - dt.timedelta(days=days_ago))
    ScorecardFactory(domain="ANOTHER")
    assert recommend().evidence.trials == (10 if counts else 0)


def test_evidence_adds_up_over_the_days_of_the_window() -> None:
    PolicyFactory(domain=DOMAIN, evidence_days=3)
    for days_ago in range(4):
        ScorecardFactory(domain=DOMAIN, day=today() - dt.timedelta(days=days_ago), trials=7, successes=5)
    evidence = recommend().evidence
    assert (evidence.days, evidence.trials, evidence.successes) == (3, 21, 15)
