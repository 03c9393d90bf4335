"""What tripwires are asked to do: their policies, and the baselines that people pin."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from regression import rules
from regression.models import columns
from regression.rules import CONTROLS, MAX_EVENTS, Terms


class RegressionPolicy(models.Model):
    """When a drop of one metric pulls a lever. New rows are disabled."""

    class Action(models.TextChoices):
        """What a trip does."""

        THROTTLE = rules.THROTTLE, "disable the domain's risk policy"
        KILL_SWITCH = rules.KILL_SWITCH, "engage the kill switch"

    domain = columns.domain()
    metric = columns.metric()
    window_events = models.PositiveIntegerField(default=50, help_text="Most events of the current window.")
    baseline_events = models.PositiveIntegerField(default=200, help_text="Most events of the baseline before it.")
    min_events_to_enforce = models.PositiveIntegerField(
        default=50, help_text="Events that both windows must hold before it can trigger."
    )
    max_drop_fraction = models.DecimalField(
        max_digits=7, decimal_places=6, default=Decimal("0.2"),
        help_text="The drop that triggers, as a share of the baseline: 0.2 is a fifth of it.",
    )  # fmt: skip
    action = models.CharField(
        max_length=16, choices=Action.choices, default=Action.THROTTLE, help_text="What a trip does."
    )
    enabled = models.BooleanField(default=False, help_text="Whether it watches. Enabling it arms it.")
    changed_by = models.CharField(max_length=150, default="seed", help_text="Who changed it last.")
    reason = models.TextField(blank=True, help_text="Why.")
    created_at = models.DateTimeField(help_text="When the policy was created (UTC).")
    updated_at = models.DateTimeField(help_text="When it was changed last (UTC).")

    class Meta:
        db_table = "regression_policy"
        verbose_name_plural = "regression policies"
        ordering: ClassVar = ["domain", "metric"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["domain", "metric"], name="regression_policy_once"),
            models.CheckConstraint(condition=~Q(domain="") & ~Q(metric=""), name="regression_policy_is_named"),
            models.CheckConstraint(
                condition=Q(window_events__gte=1, window_events__lte=MAX_EVENTS), name="regression_window_in_range"
            ),
            models.CheckConstraint(
                condition=Q(baseline_events__gte=1, baseline_events__lte=MAX_EVENTS),
                name="regression_baseline_in_range",
            ),
            models.CheckConstraint(
                condition=Q(min_events_to_enforce__gte=1)
                & Q(min_events_to_enforce__lte=F("window_events"))
                & Q(min_events_to_enforce__lte=F("baseline_events")),
                name="regression_can_trigger",
            ),
            models.CheckConstraint(
                condition=Q(max_drop_fraction__gt=0, max_drop_fraction__lte=1), name="regression_drop_in_range"
            ),
            models.CheckConstraint(
                condition=Q(action__in=[rules.THROTTLE, rules.KILL_SWITCH]), name="regression_action_is_known"
            ),
        ]

    def __str__(self) -> str:
        """Return the tripwire's name."""
        return rules.key(self.domain, self.metric)

    def terms(self) -> Terms:
        """Return what the policy asks for."""
        return Terms(
            window_events=self.window_events,
            baseline_events=self.baseline_events,
            min_events_to_enforce=self.min_events_to_enforce,
            max_drop_fraction=self.max_drop_fraction,
            enabled=self.enabled,
        )

    def snapshot(self) -> dict[str, Any]:
        """Return the controls; the share as text, exactly."""
        return {
            **{name: getattr(self, name) for name in CONTROLS},
            "action": str(self.action),
            "max_drop_fraction": f"{self.max_drop_fraction.normalize():f}",
        }
