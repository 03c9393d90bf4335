"""Shapes of Heimdall. Shares and rates are JSON numbers from 0 to 1."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from governance.ending import UNTIL
from governance.fields import (
    CountField,
    DocumentField,
    EndField,
    EngineField,
    FractionField,
    MetricField,
    NumberField,
    StrictBooleanField,
    TextField,
)
from governance.serializers import WriteSerializer
from heimdall import intervals
from heimdall.decisions import Authorization, Judgement, Trial
from heimdall.models import (
    MAX_DAYS,
    MAX_TRIALS,
    HeimdallEvent,
    HeimdallPolicy,
    HeimdallRecommendation,
)
from heimdall.rules import CONTROLS
from heimdall.shapes import EvidenceSerializer, ScorecardTodaySerializer
from heimdall.what_if import Outcome

_ENGINE = "The engine that acts on the recommendations: a hold on it refuses every authorization."
_CONFIDENCE = "Least confidence, from 0 to 1."
_TRIALS = "Least sandbox trials within the evidence window."
_RATE = "Least success rate within the evidence window, from 0 to 1."
_ENABLED = "Whether recommendations may act at all."
_RETIRED = "Whether it is switched off for good and left out of lists; it can be brought back, switched off."
_DAYS = "The evidence window in UTC days up to and with today."
_METRIC = "The engine's metric that the outcomes of its recommendations become events of."
_RULE = "How trials are judged: POINT by the rate over the window, ANYTIME by proof over all trials since a start."


class HeimdallPolicySchema(serializers.Serializer[Any]):
    """The controls of a policy that an operator can change."""

    engine = EngineField(help_text=_ENGINE)
    min_confidence_prod = FractionField(help_text=_CONFIDENCE)
    min_sandbox_trials = CountField(most=MAX_TRIALS, unit="trials", help_text=_TRIALS)
    min_sandbox_success_rate = FractionField(help_text=_RATE)
    prod_use_enabled = StrictBooleanField(help_text=_ENABLED)
    evidence_days = CountField(least=1, most=MAX_DAYS, unit="days", help_text=_DAYS)
    until = EndField(help_text=UNTIL)
    retired = StrictBooleanField(help_text=_RETIRED)
    evidence_rule = serializers.ChoiceField(choices=HeimdallPolicy.EvidenceRule.choices, help_text=_RULE)
    outcome_metric = MetricField(help_text=_METRIC)


class HeimdallPolicyUpsertSerializer(WriteSerializer):
    """The body of an upsert: the domain, and any of the policy's controls."""

    domain = EngineField()
    engine = EngineField(required=False, help_text=f"{_ENGINE} A new policy's is the domain's name.")
    min_confidence_prod = FractionField(required=False, help_text=_CONFIDENCE)
    min_sandbox_trials = CountField(most=MAX_TRIALS, unit="trials", required=False, help_text=_TRIALS)
    min_sandbox_success_rate = FractionField(required=False, help_text=_RATE)
    prod_use_enabled = StrictBooleanField(required=False, help_text=_ENABLED)
    evidence_days = CountField(least=1, most=MAX_DAYS, unit="days", required=False, help_text=_DAYS)
    until = EndField(required=False, help_text=UNTIL)
    retired = StrictBooleanField(required=False, help_text=_RETIRED)
    evidence_rule = serializers.ChoiceField(
        choices=HeimdallPolicy.EvidenceRule.choices, required=False, help_text=_RULE
    )
    outcome_metric = MetricField(required=False, help_text=_METRIC)


class HeimdallPolicySerializer(serializers.ModelSerializer[HeimdallPolicy]):
    """A policy."""

    min_confidence_prod = FractionField(help_text=_CONFIDENCE)
    min_sandbox_success_rate = FractionField(help_text=_RATE)
    retired = serializers.BooleanField(help_text=_RETIRED)

    class Meta:
        model = HeimdallPolicy
        fields: ClassVar = ["domain", *CONTROLS, "until", "retired", "changed_by", "reason", "updated_at"]


class WhatIfQuerySerializer(serializers.Serializer[Any]):
    """The thresholds to try on what was recorded; what is left out is as the policy has it."""

    domain = EngineField(required=False, help_text="One domain; without it, every one that has a policy.")
    min_confidence_prod = FractionField(required=False, help_text=_CONFIDENCE)
    min_sandbox_trials = CountField(most=MAX_TRIALS, unit="trials", required=False, help_text=_TRIALS)
    min_sandbox_success_rate = FractionField(required=False, help_text=_RATE)


class OutcomeSerializer(serializers.Serializer[Outcome]):
    """What thresholds would have let through."""

    considered = serializers.IntegerField(help_text="The newest recommendations that are looked at.")
    standing = serializers.IntegerField(help_text="Those that would pass as the thresholds stand.")
    passing = serializers.IntegerField(help_text="Those that would pass as asked for.")
    gained = serializers.IntegerField(help_text="Those that would pass only as asked for.")
    lost = serializers.IntegerField(help_text="Those that would pass only as it stands.")
    trials = serializers.IntegerField(help_text="The sandbox's newest trials that were at least as sure.")
    successes = serializers.IntegerField(help_text="Those of them that succeeded.")
    interval = serializers.SerializerMethodField(help_text="The 95% interval of their success rate (Wilson 1927).")

    def get_interval(self, outcome: Outcome) -> list[float] | None:
        """Return the bounds; null without a trial."""
        bounds = intervals.wilson(outcome.successes, outcome.trials)
        return None if bounds is None else list(bounds)


class TriedSerializer(OutcomeSerializer):
    """What thresholds would have let through in one domain."""

    domain = serializers.CharField(help_text="The domain.")
    evidence_rule = serializers.ChoiceField(
        choices=HeimdallPolicy.EvidenceRule.choices, help_text="By which rule its evidence was judged: the policy's."
    )
    left_out = serializers.IntegerField(
        help_text="Recommendations that are not looked at: they were recorded under the other rule."
    )
    since = serializers.DateTimeField(allow_null=True, help_text="When the oldest of them came (UTC).")
    enough = serializers.BooleanField(help_text="Whether there are enough recommendations to tell anything.")
    message = serializers.CharField(help_text="The same in words.")


class WhatIfSerializer(serializers.Serializer[Any]):
    """The answer to a what-if."""

    tried = TriedSerializer(many=True, help_text="Each domain, by name.")


class TrialSerializer(WriteSerializer):
    """A sandbox trial."""

    domain = EngineField()
    confidence = NumberField(min_value=0, max_value=1, help_text="How sure the AI said it was, from 0 to 1.")
    success = StrictBooleanField(help_text="Whether the trial succeeded.")


class TrialAnswerSerializer(ScorecardTodaySerializer):
    """The day's scorecard, and whether the trial counts in it."""

    ok = serializers.BooleanField(help_text="Whether the trial counts.")
    reason = serializers.CharField(help_text="recorded, or policy_missing.")
    message = serializers.CharField(help_text="The same in words.")

    def to_representation(self, instance: Trial) -> dict[str, Any]:
        """Flatten the answer and its scorecard."""
        told = {"ok": instance.ok, "reason": instance.reason, "message": instance.message}
        return {**told, **super().to_representation(instance)}


class RecommendSerializer(WriteSerializer):
    """What an AI recommends."""

    domain = EngineField()
    confidence = NumberField(min_value=0, max_value=1, help_text="How sure the AI says it is, from 0 to 1.")
    recommendation = DocumentField(default=dict, help_text="What it recommends: a JSON object, stored as it is.")
    evidence = DocumentField(default=dict, help_text="What it goes by: a JSON object, stored as it is.")
    correlation_id = TextField(max_length=64, required=False, default="", allow_blank=True, help_text="Your own id.")


class RecommendationSerializer(serializers.ModelSerializer[HeimdallRecommendation]):
    """A stored recommendation."""

    recommendation = DocumentField(help_text="What it recommends.")
    evidence = DocumentField(help_text="What it goes by.")

    class Meta:
        model = HeimdallRecommendation
        fields: ClassVar = [
            "id", "domain", "engine", "confidence", "recommendation", "evidence", "prod_eligible", "gate_reason",
            "actor", "correlation_id", "created_at", "authorized_at", "authorized_by", "outcome", "outcome_at",
            "outcome_by",
        ]  # fmt: skip


class LearnSerializer(WriteSerializer):
    """How what was authorized turned out."""

    success = StrictBooleanField(help_text="Whether it turned out well.")


class LearnedSerializer(serializers.Serializer[Any]):
    """The answer to an outcome; ``ok`` says whether it stands."""

    ok = serializers.BooleanField(help_text="Whether the outcome stands.")
    reason = serializers.CharField(help_text="recorded, or not_authorized.")
    message = serializers.CharField(help_text="The same in words.")
    recommendation = RecommendationSerializer()


class JudgementSerializer(serializers.Serializer[Any]):
    """How a recommendation was stored, and what it was judged by."""

    id = serializers.IntegerField(help_text="The recommendation, to authorize it by.")
    domain = serializers.CharField(help_text="The domain.")
    confidence = serializers.FloatField(help_text="As it was stated.")
    prod_eligible = serializers.BooleanField(help_text="Whether it could be authorized as things stand.")
    gate_reason = serializers.CharField(help_text="gate_pass, or what it lacks.")
    created_at = serializers.DateTimeField(help_text="When it came (UTC).")
    policy = HeimdallPolicySerializer(allow_null=True)
    scorecard = EvidenceSerializer()

    def to_representation(self, instance: Judgement) -> dict[str, Any]:
        """Flatten the judgement and its recommendation."""
        stored = RecommendationSerializer(instance.recommendation).data
        kept = ("id", "domain", "confidence", "prod_eligible", "gate_reason", "created_at")
        return {
            **{name: stored[name] for name in kept},
            "policy": HeimdallPolicySerializer(instance.policy).data if instance.policy else None,
            "scorecard": EvidenceSerializer(instance.evidence).data,
        }


class AuthorizationSerializer(serializers.Serializer[Any]):
    """The answer to authorize; ``ok`` is the only go."""

    ok = serializers.BooleanField(help_text="Whether the recommendation may act, now and once.")
    reason = serializers.CharField(help_text="gate_pass, or what refuses.")
    message = serializers.CharField(help_text="The same in words, with what is lacking.")
    recommendation = RecommendationSerializer()
    scorecard = EvidenceSerializer(
        allow_null=True, help_text="What it was judged by; null without a policy, and where it was busy."
    )

    def to_representation(self, instance: Authorization) -> dict[str, Any]:
        """Return the answer with its recommendation and evidence."""
        return {
            "ok": instance.ok,
            "reason": instance.reason,
            "message": instance.message,
            "recommendation": RecommendationSerializer(instance.recommendation).data,
            "scorecard": EvidenceSerializer(instance.evidence).data if instance.evidence else None,
        }


class HeimdallEventSerializer(serializers.ModelSerializer[HeimdallEvent]):
    """A decision with what it saw."""

    figures = DocumentField(help_text="What the decision saw: policy, scorecard, holds.")

    class Meta:
        model = HeimdallEvent
        fields: ClassVar = [
            "id", "at", "day", "kind", "domain", "recommendation", "confidence", "success", "reason", "actor",
            "figures", "request_id",
        ]  # fmt: skip
