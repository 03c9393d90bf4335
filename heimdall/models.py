"""Policies of the charter, the daily scorecards, recommendations and the decisions' events."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q

from governance.appendonly import LeverEvent
from governance.retiring import Retirable
from heimdall import rules
from heimdall.rules import CONTROLS, Charter
from heimdall.words import plain

MAX_DAYS = 366
MAX_TRIALS = 10**9


def _share(text: str) -> models.DecimalField[Decimal, Decimal]:
    return models.DecimalField(
        max_digits=7, decimal_places=6, default=Decimal(1), help_text=f"{text}, a share from 0 to 1."
    )


class HeimdallPolicy(Retirable):
    """What recommendations of one domain must show before they may act. New rows ask for everything and are off."""

    domain = models.CharField(max_length=64, unique=True, help_text="The domain of the recommendations.")
    engine = models.CharField(
        max_length=64, help_text="The engine that acts on them: a hold on it refuses every authorization."
    )
    min_confidence_prod = _share("Least confidence that a recommendation must state")
    min_sandbox_trials = models.PositiveIntegerField(
        default=1, help_text="Least sandbox trials within the evidence window."
    )
    min_sandbox_success_rate = _share("Least success rate of the trials within the evidence window")
    prod_use_enabled = models.BooleanField(default=False, help_text="Whether recommendations may act at all.")
    evidence_days = models.PositiveSmallIntegerField(
        default=1, help_text="The evidence window in UTC days up to and with today: 1 is today's scorecard alone."
    )
    changed_by = models.CharField(max_length=150, default="seed", help_text="Who changed it last.")
    reason = models.TextField(blank=True, help_text="Why.")
    created_at = models.DateTimeField(help_text="When the policy was created (UTC).")
    updated_at = models.DateTimeField(help_text="When it was changed last (UTC).")

    class Meta:
        db_table = "heimdall_policy"
        verbose_name_plural = "heimdall policies"
        ordering: ClassVar = ["domain"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(domain="") & ~Q(engine=""), name="heimdall_policy_is_named"),
            models.CheckConstraint(
                condition=Q(retired_at__isnull=True) | Q(prod_use_enabled=False), name="heimdall_policy_retired_is_off"
            ),
            models.CheckConstraint(
                condition=Q(min_confidence_prod__gte=0, min_confidence_prod__lte=1), name="heimdall_confidence_in_range"
            ),
            models.CheckConstraint(
                condition=Q(min_sandbox_success_rate__gte=0, min_sandbox_success_rate__lte=1),
                name="heimdall_success_rate_in_range",
            ),
            models.CheckConstraint(
                condition=Q(min_sandbox_trials__gte=0, min_sandbox_trials__lte=MAX_TRIALS),
                name="heimdall_trials_in_range",
            ),
            models.CheckConstraint(
                condition=Q(evidence_days__gte=1, evidence_days__lte=MAX_DAYS), name="heimdall_days_in_range"
            ),
        ]

    def __str__(self) -> str:
        """Return the domain."""
        return self.domain

    def charter(self) -> Charter:
        """Return what the policy asks for."""
        return Charter(
            prod_use_enabled=self.prod_use_enabled,
            min_confidence_prod=self.min_confidence_prod,
            min_sandbox_trials=self.min_sandbox_trials,
            min_sandbox_success_rate=self.min_sandbox_success_rate,
            evidence_days=self.evidence_days,
        )

    def snapshot(self) -> dict[str, Any]:
        """Return the controls; shares as text, exactly."""
        values = {name: getattr(self, name) for name in (*CONTROLS, "retired")}
        return {name: plain(value) if isinstance(value, Decimal) else value for name, value in values.items()}


class HeimdallScorecardDay(models.Model):
    """What one domain has shown in the sandbox on one UTC day."""

    day = models.DateField(help_text="The UTC day.")
    domain = models.CharField(max_length=64, help_text="The domain.")
    trials = models.PositiveBigIntegerField(default=0, help_text="Sandbox trials of the day.")
    successes = models.PositiveBigIntegerField(default=0, help_text="Those that succeeded.")

    class Meta:
        db_table = "heimdall_scorecard_day"
        verbose_name = "heimdall scorecard day"
        ordering: ClassVar = ["-day", "domain"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["day", "domain"], name="heimdall_scorecard_once_a_day"),
            models.CheckConstraint(
                condition=Q(successes__gte=0, successes__lte=F("trials")), name="heimdall_scorecard_successes_in_trials"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["domain", "day"], name="heimdall_scorecard_by_domain")]

    def __str__(self) -> str:
        """Return the row's key."""
        return f"{self.domain} {self.day}"

    @property
    def success_rate(self) -> Decimal | None:
        """Return the rate to six places; None where there is no trial."""
        return rules.rate(self.successes, self.trials)


class HeimdallRecommendation(models.Model):
    """What an AI recommends, judged when it came and again when it is used, which it is at most once."""

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
        ]
        indexes: ClassVar = [
            models.Index(fields=["domain", "-id"], name="heimdall_rec_by_domain"),
            models.Index(fields=["gate_reason", "-id"], name="heimdall_rec_by_reason"),
            models.Index(fields=["actor", "-id"], name="heimdall_rec_by_actor"),
            models.Index(fields=["created_at"], name="heimdall_rec_by_time"),
            models.Index(fields=["correlation_id"], name="heimdall_rec_correlated", condition=~Q(correlation_id="")),
        ]

    def __str__(self) -> str:
        """Return the recommendation in one line."""
        return f"#{self.pk} {self.domain} {self.confidence}"


class HeimdallEvent(LeverEvent):
    """One decision of Heimdall, with what it saw. Appended; nothing updates or deletes it."""

    class Kind(models.TextChoices):
        """What was decided; every refusal of a trial or an authorization is a DENY."""

        TRIAL = "TRIAL", "trial"
        RECOMMEND = "RECOMMEND", "recommend"
        AUTHORIZE = "AUTHORIZE", "authorize"
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
    success = models.BooleanField(null=True, blank=True, help_text="How the trial ended; empty: not a trial.")
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
                condition=~Q(kind="TRIAL") | Q(success__isnull=False, confidence__isnull=False),
                name="heimdall_event_trial_has_outcome",
            ),
            models.CheckConstraint(
                condition=~Q(kind__in=["RECOMMEND", "AUTHORIZE"]) | Q(recommendation__isnull=False),
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
