"""Domain policies that are loosened until a time."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from governance import changes, clock, ending
from governance.changes import Pending
from governance.errors import Invalid, Unapproved
from governance.models import AuditEvent
from heimdall import policies, rules, services
from heimdall.models import HeimdallEvidence, HeimdallPolicy
from tests.heimdall.factories import PolicyFactory, RecommendationFactory, ScorecardFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]
DOMAIN = "PRICING"
NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
SIX = NOON + dt.timedelta(hours=6)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _policy(live: None) -> None:
    """Ask for a confidence of 0.9, which the domain's evidence has earned otherwise."""
    with clock.at(NOON):
        PolicyFactory(domain=DOMAIN)
        ScorecardFactory(domain=DOMAIN)


def change(**patch: Any) -> Any:
    return services.set_policy(domain=DOMAIN, patch=patch, actor="jo", reason="the fair")


def standing() -> HeimdallPolicy:
    return HeimdallPolicy.objects.get(domain=DOMAIN)


def wanted() -> int:
    return int(RecommendationFactory(domain=DOMAIN, confidence=0.7).pk)


def test_a_lowered_threshold_goes_back_for_the_decision_that_meets_the_end() -> None:
    with clock.at(NOON):
        change(min_confidence_prod=Decimal("0.6"), until=SIX)
        assert standing().fallback == {"min_confidence_prod": "0.900000"}
    with clock.at(SIX - SECOND):
        assert services.authorize(recommendation_id=wanted(), actor="engine").ok
        assert policies.end_overrides() == []
    with clock.at(SIX):
        answer = services.authorize(recommendation_id=wanted(), actor="engine")
    assert (answer.ok, answer.reason) == (False, rules.CONFIDENCE_BELOW)
    row = standing()
    assert (row.min_confidence_prod, row.until, row.fallback) == (Decimal("0.9"), None, {})


def test_production_use_for_a_time_is_over_for_what_comes_at_the_end() -> None:
    change(prod_use_enabled=False)
    with clock.at(NOON):
        change(prod_use_enabled=True, until=SIX)
    said = {"domain": DOMAIN, "confidence": 0.95, "actor": "ai"}
    for moment, eligible in ((SIX - SECOND, True), (SIX, False)):
        with clock.at(moment):
            made = services.recommend(**said, recommendation={}, evidence={})
            assert made.recommendation.prod_eligible is eligible
    assert made.recommendation.gate_reason == rules.PROD_USE_DISABLED
    assert not standing().prod_use_enabled


def test_an_admission_by_a_lowered_rate_ends_with_it() -> None:
    change(evidence_rule=rules.ANYTIME)
    HeimdallEvidence.objects.filter(domain=DOMAIN).update(trials=400, successes=310)
    with clock.at(NOON):
        change(min_sandbox_success_rate=Decimal("0.5"), until=SIX)
        assert HeimdallEvidence.objects.get(domain=DOMAIN).admitted
    with clock.at(SIX):
        services.trial(domain=DOMAIN, confidence=0.9, success=True, actor="sandbox")
    assert not HeimdallEvidence.objects.get(domain=DOMAIN).admitted
    assert standing().min_sandbox_success_rate == Decimal("0.8")


def test_what_was_tightened_meanwhile_stays() -> None:
    with clock.at(NOON):
        change(min_confidence_prod=Decimal("0.6"), min_sandbox_trials=50, prod_use_enabled=True, until=SIX)
        change(min_confidence_prod=Decimal("0.99"))
        assert (standing().fallback, standing().until) == ({}, None)
        change(min_confidence_prod=Decimal("0.6"), until=SIX)
        change(prod_use_enabled=False)
    with clock.at(SIX):
        assert ending.end_all() == [DOMAIN]
    row = standing()
    assert (row.min_confidence_prod, row.min_sandbox_trials, row.prod_use_enabled) == (Decimal("0.99"), 50, False)


@pytest.mark.parametrize("patch", [{"min_sandbox_trials": 11}, {"evidence_days": 7}, {"engine": "OTHER"}, {}])
def test_an_end_of_what_has_none_is_malformed(patch: dict[str, Any]) -> None:
    with clock.at(NOON), pytest.raises(Invalid, match="Nothing here ends"):
        change(**patch, until=SIX)


def test_with_four_eyes_it_waits_with_its_end_and_is_not_put_off_by_one_alone(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    patch = {"min_confidence_prod": 0.6, "min_sandbox_trials": 50, "until": SIX.isoformat()}
    with clock.at(NOON):
        outcome = changes.submit(action=rules.SET_POLICY, target=DOMAIN, patch=patch, actor="jo", reason="the fair")
        assert isinstance(outcome, Pending)
        assert outcome.change.patch.keys() == {"min_confidence_prod", "until"}
        assert standing().min_sandbox_trials == 50
        settings.FOUR_EYES = False
        change(min_confidence_prod=Decimal("0.6"), until=SIX)
        settings.FOUR_EYES = True
        with pytest.raises(Unapproved):
            change(until=SIX + SECOND)
        change(until=SIX - SECOND)
    with clock.at(SIX):
        assert policies.end_overrides() == [DOMAIN]
    event = AuditEvent.objects.latest("pk")
    assert (event.actor, event.target) == ("end_overrides", DOMAIN)


def test_the_preview_says_what_goes_back_and_the_api_tells_the_end(api: APIClient) -> None:
    patch = {"min_confidence_prod": Decimal("0.6"), "until": SIX}
    assert ending.effect_of(standing(), patch) == [
        "At 2026-11-24 18:00 UTC PRICING goes back to min confidence prod = 0.9."
    ]
    until = (clock.now() + dt.timedelta(hours=2)).replace(second=0, microsecond=0).isoformat().replace("+00:00", "Z")
    body = {"domain": DOMAIN, "min_confidence_prod": 0.6, "until": until, "actor": "jo", "reason": "the fair"}
    answer = api.post("/api/governance/heimdall/policies/upsert", body)
    assert (answer.status_code, answer.json()["until"]) == (200, until), answer.content
    listed = {row["domain"]: row["until"] for row in api.get("/api/governance/heimdall/policies").json()}
    assert listed[DOMAIN] == until
    assert {until for domain, until in listed.items() if domain != DOMAIN} == {None}
