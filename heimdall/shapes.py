"""Shapes of evidence: of a day, of a window, and since a start."""

from __future__ import annotations

from typing import Any, ClassVar

from rest_framework import serializers

from governance.fields import EngineField, FractionField
from governance.serializers import WriteSerializer
from heimdall import anytime, rules
from heimdall.models import HeimdallEvidence, HeimdallPolicy, HeimdallScorecardDay
from heimdall.rules import Evidence


class RestartSchema(serializers.Serializer[Any]):
    """What a restart of the evidence takes: nothing beyond who and why."""


class RestartSerializer(WriteSerializer):
    """The body of a restart of the evidence; it needs a reason."""

    domain = EngineField()


class ScorecardDaySerializer(serializers.ModelSerializer[HeimdallScorecardDay]):
    """A domain's day in the sandbox."""

    success_rate = FractionField(read_only=True, allow_null=True, help_text="Rounded down; null without a trial.")

    class Meta:
        model = HeimdallScorecardDay
        fields: ClassVar = ["day", "domain", "trials", "successes", "success_rate"]


class EvidenceSerializer(serializers.Serializer[Any]):
    """What a domain has shown in the sandbox: over the evidence window, or under ANYTIME since its start."""

    evidence_rule = serializers.ChoiceField(
        choices=HeimdallPolicy.EvidenceRule.choices, help_text="By which rule it is judged."
    )
    days = serializers.IntegerField(help_text="The UTC days that it covers, up to and with today.")
    trials = serializers.IntegerField(help_text="Trials within them.")
    successes = serializers.IntegerField(help_text="Those that succeeded.")
    success_rate = FractionField(allow_null=True, help_text="Rounded down; null without a trial.")
    answer = serializers.ChoiceField(
        choices=[anytime.ELIGIBLE, anytime.INELIGIBLE, anytime.INCONCLUSIVE],
        allow_null=True,
        help_text="What ANYTIME says of the rate: reached, shown to be below, or not known yet. Null with POINT.",
    )
    trials_needed = serializers.IntegerField(
        allow_null=True,
        help_text="More trials at the present rate that would make it ELIGIBLE; null where none would, and with POINT.",
    )
    start = serializers.IntegerField(allow_null=True, help_text="Which start the trials count from; null with POINT.")
    started_at = serializers.DateTimeField(allow_null=True, help_text="When that was (UTC); null with POINT.")

    def to_representation(self, instance: Evidence) -> dict[str, Any]:
        """Flatten the evidence and what it proves."""
        proof = instance.proof
        told: dict[str, Any] = dict.fromkeys(("answer", "trials_needed", "start", "started_at"))
        if proof is not None:
            told = {name: getattr(proof, name) for name in told}
        counts = {name: getattr(instance, name) for name in ("days", "trials", "successes", "success_rate")}
        rule = rules.POINT if proof is None else rules.ANYTIME
        return super().to_representation({"evidence_rule": rule, **counts, **told})


class DomainEvidenceSerializer(serializers.Serializer[Any]):
    """A domain's evidence, by its policy's rule."""

    domain = serializers.CharField(help_text="The domain.")
    evidence = EvidenceSerializer()


class StartSerializer(serializers.ModelSerializer[HeimdallEvidence]):
    """The evidence of a domain as it counts since its start."""

    success_rate = FractionField(read_only=True, allow_null=True, help_text="Rounded down; null without a trial.")

    class Meta:
        model = HeimdallEvidence
        fields: ClassVar = [
            "domain", "start", "started_at", "started_by", "reason", "trials", "successes", "success_rate",
            "admitted_at",
        ]  # fmt: skip


class ScorecardTodaySerializer(serializers.Serializer[Any]):
    """A domain's day in the sandbox, and the evidence that it is judged by."""

    day = serializers.DateField(help_text="The UTC day of the scorecard.")
    domain = serializers.CharField(help_text="The domain.")
    trials = serializers.IntegerField(help_text="Sandbox trials of the day.")
    successes = serializers.IntegerField(help_text="Those that succeeded.")
    success_rate = FractionField(allow_null=True, help_text="Rounded down; null without a trial.")
    evidence = EvidenceSerializer(allow_null=True, help_text="What the domain is judged by; null without a policy.")

    def to_representation(self, instance: Any) -> dict[str, Any]:
        """Flatten the scorecard with its evidence."""
        shown = EvidenceSerializer(instance.evidence).data if instance.evidence else None
        return {**ScorecardDaySerializer(instance.scorecard).data, "evidence": shown}
