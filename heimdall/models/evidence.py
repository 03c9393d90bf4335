"""What domains have shown in the sandbox: day by day, and since a fixed start."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from governance.rows import Row
from heimdall import rules
from heimdall.anytime import Shown


class HeimdallScorecardDay(Row):
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


class HeimdallEvidence(Row):
    """What one domain has shown since its present start: all that the ANYTIME rule goes by. One row a domain."""

    domain = models.CharField(max_length=64, unique=True, help_text="The domain.")
    start = models.PositiveIntegerField(
        default=1, help_text="Which start this is: each may spend a smaller share of the error that all may make."
    )
    started_at = models.DateTimeField(help_text="Since when trials count (UTC): the policy's creation, or a restart.")
    started_by = models.CharField(max_length=150, help_text="Who began it.")
    reason = models.TextField(blank=True, help_text="Why.")
    trials = models.PositiveBigIntegerField(default=0, help_text="Sandbox trials since then.")
    successes = models.PositiveBigIntegerField(default=0, help_text="Those that succeeded.")
    admitted_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when they admit the domain under ANYTIME (UTC); empty: they do not."
    )

    class Meta:
        db_table = "heimdall_evidence"
        verbose_name_plural = "heimdall evidence"
        ordering: ClassVar = ["domain"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(domain=""), name="heimdall_evidence_is_named"),
            models.CheckConstraint(condition=Q(start__gte=1), name="heimdall_evidence_is_numbered"),
            models.CheckConstraint(
                condition=Q(successes__gte=0, successes__lte=F("trials")), name="heimdall_evidence_successes_in_trials"
            ),
        ]

    def __str__(self) -> str:
        """Return the domain, as the restart takes it."""
        return self.domain

    @property
    def admitted(self) -> bool:
        """Say whether the trials have admitted the domain."""
        return self.admitted_at is not None

    @property
    def shown(self) -> Shown:
        """Return what the law goes by."""
        return Shown(self.start, self.trials, self.successes, self.admitted)

    @property
    def success_rate(self) -> Decimal | None:
        """Return the rate to six places; None where there is no trial."""
        return rules.rate(self.successes, self.trials)

    def snapshot(self) -> dict[str, Any]:
        """Return what a restart changes: not the counts, which every trial moves."""
        return {"start": self.start, "admitted": self.admitted}
