"""Rows of Heimdall as tests want them: a policy that is on, its evidence, a recommendation that passes."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import factory
from factory.django import DjangoModelFactory

from governance import clock
from heimdall.models import (
    HeimdallEvent,
    HeimdallEvidence,
    HeimdallPolicy,
    HeimdallRecommendation,
    HeimdallScorecardDay,
)


def today() -> dt.date:
    return clock.database_now().astimezone(dt.UTC).date()


class PolicyFactory(DjangoModelFactory[HeimdallPolicy]):
    class Meta:
        model = HeimdallPolicy

    domain = factory.Sequence(lambda n: f"DOMAIN_{n}")
    engine = factory.SelfAttribute("domain")
    min_confidence_prod = Decimal("0.9")
    min_sandbox_trials = 10
    min_sandbox_success_rate = Decimal("0.8")
    prod_use_enabled = True
    created_at = factory.LazyFunction(clock.now)
    updated_at = factory.LazyFunction(clock.now)


class ScorecardFactory(DjangoModelFactory[HeimdallScorecardDay]):
    class Meta:
        model = HeimdallScorecardDay

    domain = factory.Sequence(lambda n: f"DOMAIN_{n}")
    day = factory.LazyFunction(today)
    trials = 10
    successes = 8


class EvidenceFactory(DjangoModelFactory[HeimdallEvidence]):
    class Meta:
        model = HeimdallEvidence

    domain = factory.Sequence(lambda n: f"DOMAIN_{n}")
    started_at = factory.LazyFunction(clock.now)
    started_by = "jo"


class RecommendationFactory(DjangoModelFactory[HeimdallRecommendation]):
    class Meta:
        model = HeimdallRecommendation

    domain = factory.Sequence(lambda n: f"DOMAIN_{n}")
    engine = factory.SelfAttribute("domain")
    confidence = 0.95
    recommendation = factory.LazyFunction(lambda: {"offer_id": 123})
    evidence = factory.LazyFunction(lambda: {"model": "v2.1"})
    prod_eligible = True
    gate_reason = "gate_pass"
    actor = "ai"
    created_at = factory.LazyFunction(clock.now)


class EventFactory(DjangoModelFactory[HeimdallEvent]):
    class Meta:
        model = HeimdallEvent

    at = factory.LazyFunction(clock.now)
    day = factory.LazyFunction(today)
    kind = "DENY"
    domain = factory.Sequence(lambda n: f"DOMAIN_{n}")
    reason = "policy_missing"
    actor = "ai"


def earned(domain: str = "PRICING", **policy: object) -> HeimdallRecommendation:
    """Return a recommendation of a domain that has just earned production use: 8 of 10 trials, 0.8 asked for."""
    PolicyFactory(domain=domain, **policy)
    ScorecardFactory(domain=domain)
    return RecommendationFactory(domain=domain)
