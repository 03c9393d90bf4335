"""A domain that ANYTIME judges, its trials, and what ends an admission, as tests want them."""

from __future__ import annotations

from typing import Any

from governance import facts
from governance.facts import Tripped
from heimdall import services
from heimdall.models import HeimdallEvidence, HeimdallPolicy
from heimdall.rules import ANYTIME
from tests.heimdall.factories import PolicyFactory, RecommendationFactory, ScorecardFactory

DOMAIN = "PRICING"
ENOUGH = 23  # successes in a row that prove a rate above 0.8


def ruled(**given: Any) -> HeimdallPolicy:
    return PolicyFactory(**{"domain": DOMAIN, "evidence_rule": ANYTIME, "min_sandbox_trials": 1, **given})


def tried(outcomes: str) -> Any:
    """Record a trial for each letter: S succeeds, F fails."""
    for letter in outcomes:
        answer = services.trial(domain=DOMAIN, confidence=0.9, success=letter == "S", actor="sandbox")
    return answer


def proven(trials: int = ENOUGH) -> Any:
    """Let every one of ``trials`` succeed: the last is recorded, the others are on the day's scorecard before it."""
    ScorecardFactory(domain=DOMAIN, trials=trials - 1, successes=trials - 1)
    return tried("S")


def changed(**patch: Any) -> Any:
    return services.set_policy(domain=DOMAIN, patch=patch, actor="jo", reason="test")


def restarted(reason: str = "A new model.") -> HeimdallEvidence:
    return services.restart_evidence(domain=DOMAIN, actor="jo", reason=reason)


def standing() -> HeimdallEvidence:
    return HeimdallEvidence.objects.get(domain=DOMAIN)


def authorized() -> Any:
    return services.authorize(recommendation_id=RecommendationFactory(domain=DOMAIN).pk, actor="engine")


def trip(engine: str = DOMAIN) -> None:
    facts.tell(Tripped(engine=engine, actor="regression-tripwire", reason="It dropped."))
