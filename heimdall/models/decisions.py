"""Recommendations, and the decisions on them and on trials, one event each."""

from __future__ import annotations

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from governance.appendonly import LeverEvent
from governance.rows import Row
from heimdall import rules


class HeimdallRecommendation(Row):
    """What an AI recommends, judged when it came and again when it is used, which it is at most once.

    Once its outcome is told it is final, which a trigger of the database holds.
    """

    domain = models.CharField(max_length=64, help_text="The domain.")
    engine = models.CharField(
        max_length=64, blank=True, help_text="The engine that the domain's policy named at the time, if it had one."
    )
    confidence = models.FloatField(help_text="How sure the AI says it is, from 0 to 1.")
    recommendation = models.JSONField(encoder=DjangoJSONEncoder, default=dict, help_text="What it recommends.")
    evidence = models.JSONField(encoder=DjangoJSONEncoder, default=dict, help_text="What it goes by.")
    prod_eligible = models.BooleanField(help_text="Whether it could have acted when it came.")
    gate_reason = models.CharField(max_length=64, help_text="gate_pass, or what it lacked when it came.")
    actor = models.CharField(max_length=150, help_text="Who sent it.")
    correlation_id = models.CharField(max_length=64, blank=True, help_text="The engine's own id of the action.")
    created_at = models.DateTimeField(help_text="When it came (UTC, the database's clock).")
    authorized_at = models.DateTimeField(null=True, blank=True, help_text="When it was authorized (UTC); empty: not.")
    authorized_by = models.CharField(max_length=150, blank=True, help_text="Who authorized it; empty: nobody.")

    outcome = models.BooleanField(
        null=True, blank=True, help_text="Whether what was done turned out well; empty: not known."
    )
    outcome_at = models.DateTimeField(null=True, blank=True, help_text="When that was told (UTC); empty: it was not.")
    outcome_by = models.CharField(
        max_length=150, blank=True, default="", db_default="", help_text="Who told it; empty: nobody."
    )

    class Meta:
        db_table = "heimdall_recommendation"
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(confidence__gte=0, confidence__lte=1), name="heimdall_recommendation_confidence_in_range"
            ),
            models.CheckConstraint(
                condition=Q(prod_eligible=True, gate_reason=rules.GATE_PASS)
                | (Q(prod_eligible=False) & ~Q(gate_reason=rules.GATE_PASS)),
                name="heimdall_recommendation_eligible_is_pass",
            ),
            models.CheckConstraint(
                condition=Q(authorized_at__isnull=True, authorized_by="")
                | (Q(authorized_at__isnull=False) & ~Q(authorized_by="")),
                name="heimdall_recommendation_authorized_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(outcome__isnull=True, outcome_at__isnull=True, outcome_by="")
                | (Q(outcome__isnull=False, outcome_at__isnull=False, authorized_at__isnull=False) & ~Q(outcome_by="")),
                name="heimdall_recommendation_outcome_of_authorized",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["domain", "-id"], name="heimdall_rec_by_domain"),
            models.Index(fields=["gate_reason", "-id"], name="heimdall_rec_by_reason"),
            models.Index(fields=["actor", "-id"], name="heimdall_rec_by_actor"),
            models.Index(fields=["created_at"], name="heimdall_rec_by_time"),
            models.Index(fields=["domain", "-id"], name="heimdall_rec_outcomes", condition=Q(outcome__isnull=False)),
            models.Index(fields=["correlation_id"], name="heimdall_rec_correlated", condition=~Q(correlation_id="")),
        ]

    def __str__(self) -> str:
        """Return the recommendation in one line."""
        return f"#{self.pk} {self.domain} {self.confidence}"


class HeimdallEvent(LeverEvent):
    """One decision of Heimdall, with what it saw. Appended; nothing updates or deletes it."""

    class Kind(models.TextChoices):
        """What was decided; every refusal of a trial, an authorization or an outcome is a DENY."""

        TRIAL = "TRIAL", "trial"
        RECOMMEND = "RECOMMEND", "recommend"
        AUTHORIZE = "AUTHORIZE", "authorize"
        OUTCOME = "OUTCOME", "outcome"
        DENY = "DENY", "deny"

    at = models.DateTimeField(help_text="When (UTC, the database's clock).")
    day = models.DateField(help_text="The UTC day; a trial counts in its scorecard.")
    kind = models.CharField(max_length=9, choices=Kind.choices, help_text="What was decided.")
    domain = models.CharField(max_length=64, help_text="The domain.")
    recommendation = models.ForeignKey(
        HeimdallRecommendation, null=True, blank=True, on_delete=models.PROTECT,
        help_text="The recommendation, if there is one.",
    )  # fmt: skip
    confidence = models.FloatField(null=True, blank=True, help_text="The confidence that was stated, from 0 to 1.")
    success = models.BooleanField(
        null=True, blank=True, help_text="How the trial ended, or the action turned out; empty: neither."
    )
    reason = models.CharField(max_length=64, help_text="recorded, gate_pass, or what refused.")
    actor = models.CharField(max_length=150, help_text="Who asked.")
    figures = models.JSONField(
        encoder=DjangoJSONEncoder, default=dict, help_text="What the decision saw: policy, scorecard, holds."
    )

    class Meta:
        db_table = "heimdall_event"
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__gte=0, confidence__lte=1),
                name="heimdall_event_confidence_in_range",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["TRIAL", "OUTCOME"]) | Q(success__isnull=False, confidence__isnull=False),
                name="heimdall_event_trial_has_outcome",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["RECOMMEND", "AUTHORIZE", "OUTCOME"]) | Q(recommendation__isnull=False),
                name="heimdall_event_names_recommendation",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["tx", "id"], name="heimdall_event_in_order"),
            models.Index(fields=["domain", "-id"], name="heimdall_event_by_domain"),
            models.Index(fields=["kind", "-id"], name="heimdall_event_by_kind"),
            models.Index(
                fields=["domain", "kind", "reason", "at"],
                name="heimdall_event_decisions",
                condition=Q(kind__in=["AUTHORIZE", "DENY"]),
            ),
            models.Index(fields=["at"], name="heimdall_event_by_time"),
            models.Index(fields=["reason", "-id"], name="heimdall_event_by_reason"),
            models.Index(fields=["actor", "-id"], name="heimdall_event_by_actor"),
        ]

    def __str__(self) -> str:
        """Return the event in one line."""
        return f"{self.kind} {self.domain} {self.reason}"
