"""How tripwires stand, and the incidents that their trips open."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from governance.rows import Row
from regression import rules
from regression.models import columns
from regression.models.policies import RegressionPolicy


def _figure(text: str) -> models.FloatField[float | None, float | None]:
    return models.FloatField(null=True, blank=True, help_text=text)


class RegressionState(Row):
    """How a tripwire stands, and what it saw last. Written under the lock of its policy."""

    domain = columns.domain()
    metric = columns.metric()
    triggered = models.BooleanField(
        default=False, help_text="Whether it has pulled its lever and waits to be re-armed."
    )
    baseline = _figure("The baseline's mean (of successes: their rate); empty: nothing is recorded yet.")
    current = _figure("The current window's mean; the baseline's while that window is empty.")
    drop_fraction = _figure("(baseline - current) / baseline; empty: the baseline is zero or less.")
    baseline_count = models.PositiveIntegerField(default=0, help_text="Events of the baseline.")
    current_count = models.PositiveIntegerField(default=0, help_text="Events of the current window.")
    last_checked_at = models.DateTimeField(null=True, blank=True, help_text="When it was evaluated last (UTC).")
    last_triggered_at = models.DateTimeField(null=True, blank=True, help_text="When it triggered last (UTC).")
    note = models.TextField(blank=True, help_text="How it stands, in words.")
    armed_after_id = models.PositiveBigIntegerField(
        default=0, help_text="The last event when it was armed: only events after it can trigger."
    )
    baseline_end_id = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="While triggered, the last event of the trip's baseline."
    )
    evidence = models.JSONField(
        null=True, blank=True, editable=False, help_text="What a SEQUENTIAL test has seen since it was armed."
    )

    class Meta:
        db_table = "regression_state"
        ordering: ClassVar = ["domain", "metric"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["domain", "metric"], name="regression_state_once"),
            models.CheckConstraint(
                condition=Q(triggered=False, baseline_end_id__isnull=True)
                | Q(triggered=True, baseline_end_id__isnull=False, last_triggered_at__isnull=False),
                name="regression_trip_keeps_baseline",
            ),
        ]

    def __str__(self) -> str:
        """Return the tripwire's name and how it stands."""
        return f"{rules.key(self.domain, self.metric)} {'TRIGGERED' if self.triggered else 'not triggered'}"

    def snapshot(self) -> dict[str, Any]:
        """Return what re-arming changes: not the figures, which every event moves."""
        return {
            "triggered": self.triggered,
            "armed_after_id": self.armed_after_id,
            "baseline_end_id": self.baseline_end_id,
        }


class RegressionIncident(Row):
    """One trip: what was pulled, the figures at the time, and who dealt with it when."""

    class Status(models.TextChoices):
        """How far it is dealt with."""

        OPEN = "OPEN", "open"
        ACKNOWLEDGED = "ACKNOWLEDGED", "acknowledged"
        RESOLVED = "RESOLVED", "resolved"

    class Cause(models.TextChoices):
        """What it turned out to be."""

        REAL_REGRESSION = rules.REAL_REGRESSION, "a real regression"
        FALSE_ALARM = rules.FALSE_ALARM, "a false alarm: nothing had changed"
        DATA_FAULT = rules.DATA_FAULT, "a fault in the data"

    domain = columns.domain()
    metric = columns.metric()
    action = models.CharField(max_length=16, choices=RegressionPolicy.Action.choices, help_text="What was pulled.")
    mode = models.CharField(
        max_length=16, choices=RegressionPolicy.Mode.choices, default=rules.ENFORCE, db_default=rules.ENFORCE,
        help_text="SHADOW: nothing was pulled; this is what would have been.",
    )  # fmt: skip
    detector = models.CharField(
        max_length=16, choices=RegressionPolicy.Detector.choices, default=rules.WINDOW, db_default=rules.WINDOW,
        help_text="What found the drop.",
    )  # fmt: skip
    status = models.CharField(
        max_length=16, choices=Status.choices, default=Status.OPEN, help_text="How far it is dealt with."
    )
    opened_at = models.DateTimeField(help_text="When the tripwire triggered (UTC).")
    acknowledged_at = models.DateTimeField(null=True, blank=True, help_text="When a person took it on (UTC).")
    acknowledged_by = models.CharField(max_length=150, blank=True, help_text="Who took it on.")
    resolved_at = models.DateTimeField(null=True, blank=True, help_text="When it was resolved (UTC).")
    resolved_by = models.CharField(max_length=150, blank=True, help_text="Who resolved it.")
    cause = models.CharField(
        max_length=16,
        choices=Cause.choices,
        blank=True,
        default="",
        db_default="",
        help_text="What it turned out to be; empty: nobody has said.",
    )
    resolution = models.TextField(blank=True, help_text="What it was, as whoever resolved it wrote.")
    baseline = models.FloatField(help_text="The baseline's mean when it triggered.")
    current = models.FloatField(help_text="The current window's mean when it triggered.")
    drop_fraction = models.FloatField(help_text="The drop that triggered.")
    max_drop_fraction = models.DecimalField(max_digits=7, decimal_places=6, help_text="The policy's limit at the time.")
    baseline_count = models.PositiveIntegerField(help_text="Events of the baseline.")
    current_count = models.PositiveIntegerField(help_text="Events of the current window.")
    first_event_id = models.PositiveBigIntegerField(help_text="The first event of the current window.")
    last_event_id = models.PositiveBigIntegerField(help_text="The event that triggered.")
    onset_event_id = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="The event at which the drop most likely began."
    )
    onset_at = models.DateTimeField(null=True, blank=True, help_text="When that event arrived (UTC).")
    events_to_detect = models.PositiveIntegerField(
        null=True, blank=True, help_text="Events from the estimated onset up to and with the one that triggered."
    )
    path = models.JSONField(
        null=True, blank=True, help_text="The way to the trip: the figure, where it alarms, and its points by event."
    )

    class Meta:
        db_table = "regression_incident"
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(status="OPEN", acknowledged_at__isnull=True, resolved_at__isnull=True)
                | Q(status="ACKNOWLEDGED", acknowledged_at__isnull=False, resolved_at__isnull=True)
                | Q(status="RESOLVED", acknowledged_at__isnull=False, resolved_at__isnull=False),
                name="incident_status_has_its_times",
            ),
            models.CheckConstraint(
                condition=Q(cause="") | Q(status="RESOLVED"), name="incident_cause_comes_with_its_resolution"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["status", "-id"], name="incident_by_status"),
            models.Index(fields=["domain", "metric", "-id"], name="incident_by_tripwire"),
            models.Index(fields=["opened_at"], name="incident_by_time"),
        ]

    def __str__(self) -> str:
        """Return the incident in one line."""
        return f"#{self.pk} {rules.key(self.domain, self.metric)} {self.status}"

    def snapshot(self) -> dict[str, Any]:
        """Return how far it is dealt with."""
        return {
            "status": str(self.status),
            "acknowledged_by": self.acknowledged_by,
            "resolved_by": self.resolved_by,
            "cause": str(self.cause),
            "resolution": self.resolution,
        }
