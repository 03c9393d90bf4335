"""What recommendations of a domain must show before they may act."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from governance.ending import Overridable, has_end
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


class HeimdallPolicy(Overridable, Retirable):
    """What recommendations of one domain must show before they may act. New rows ask for everything and are off."""

    ENDING: ClassVar = rules.ENDING
    is_looser = staticmethod(rules.is_looser)

    class EvidenceRule(models.TextChoices):
        """How the trials are judged."""

        POINT = rules.POINT, "enough trials and the success rate, over the evidence window"
        ANYTIME = rules.ANYTIME, "proof beyond chance that the true rate is reached, over all trials since a start"

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
    evidence_rule = models.CharField(
        max_length=16, choices=EvidenceRule.choices, default=EvidenceRule.POINT, db_default=EvidenceRule.POINT,
        help_text=(
            "POINT reads the success rate over the evidence window; ANYTIME wants proof over all trials since a fixed "
            "start, and may be looked at as often as you like."
        ),
    )  # fmt: skip
    outcome_metric = models.CharField(
        max_length=64, default=rules.OUTCOME_METRIC, db_default=rules.OUTCOME_METRIC,
        help_text="The engine's metric that the outcomes of its recommendations become events of.",
    )  # fmt: skip
    changed_by = models.CharField(max_length=150, default="seed", help_text="Who changed it last.")
    reason = models.TextField(blank=True, help_text="Why.")
    created_at = models.DateTimeField(help_text="When the policy was created (UTC).")
    updated_at = models.DateTimeField(help_text="When it was changed last (UTC).")

    class Meta:
        db_table = "heimdall_policy"
        verbose_name_plural = "heimdall policies"
        ordering: ClassVar = ["domain"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(domain="") & ~Q(engine="") & ~Q(outcome_metric=""), name="heimdall_policy_is_named"
            ),
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
            models.CheckConstraint(
                condition=Q(evidence_rule__in=[rules.POINT, rules.ANYTIME]), name="heimdall_evidence_rule_is_known"
            ),
            has_end("heimdall_policy_falls_back_at_an_end"),
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
        shares = {name: plain(value) for name, value in values.items() if isinstance(value, Decimal)}
        return {**values, **shares, "evidence_rule": str(self.evidence_rule), **self.end()}
