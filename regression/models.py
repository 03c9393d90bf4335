"""KPI events, tripwires (policy and state), the gaps that trips leave behind, and incidents."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from django.db import models
from django.db.models import F, Q

from governance.appendonly import AppendOnly
from regression import rules
from regression.rules import CONTROLS, MAX_EVENTS, MAX_VALUE, Terms


def _domain() -> models.CharField[str, str]:
    return models.CharField(max_length=64, help_text="The domain: the engine whose risk policy a trip throttles.")


def _metric() -> models.CharField[str, str]:
    return models.CharField(max_length=64, help_text="The metric, such as contract_rate.")


def _figure(text: str) -> models.FloatField[float | None, float | None]:
    return models.FloatField(null=True, blank=True, help_text=text)


class KpiEvent(AppendOnly):
    """One observation of a metric. Ids grow in order of arrival; nothing updates an event."""

    expendable = True

    at = models.DateTimeField(help_text="When it arrived (UTC).")
    domain = _domain()
    metric = _metric()
    success = models.BooleanField(null=True, blank=True, help_text="Whether it succeeded; empty: a value is given.")
    value = models.FloatField(null=True, blank=True, help_text="Its value, within 10^15; empty: success is given.")
    actor = models.CharField(max_length=150, help_text="Who recorded it.")
    correlation_id = models.CharField(max_length=64, blank=True, help_text="The engine's own id of the action.")

    class Meta:
        db_table = "kpi_event"
        verbose_name = "KPI event"
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(success__isnull=True, value__isnull=False) | Q(success__isnull=False, value__isnull=True),
                name="kpi_success_or_value",
            ),
            models.CheckConstraint(
                condition=Q(value__isnull=True) | Q(value__gte=-MAX_VALUE, value__lte=MAX_VALUE),
                name="kpi_value_in_range",
            ),
            models.CheckConstraint(condition=~Q(domain="") & ~Q(metric=""), name="kpi_is_named"),
        ]
        indexes: ClassVar = [
            # The windows are read from this index alone, where the database can (PostgreSQL).
            models.Index(fields=["domain", "metric", "id"], include=["success", "value"], name="kpi_newest"),
            models.Index(fields=["tx", "id"], name="kpi_in_order"),
            models.Index(fields=["at"], name="kpi_by_time"),
            models.Index(fields=["actor", "-id"], name="kpi_by_actor"),
            models.Index(fields=["correlation_id"], name="kpi_correlated", condition=~Q(correlation_id="")),
        ]

    def __str__(self) -> str:
        """Return the event in one line."""
        seen = self.value if self.success is None else ("success" if self.success else "failure")
        return f"#{self.pk} {self.domain}.{self.metric} {seen}"


class RegressionPolicy(models.Model):
    """When a drop of one metric pulls a lever. New rows are disabled."""

    class Action(models.TextChoices):
        """What a trip does."""

        THROTTLE = rules.THROTTLE, "disable the domain's risk policy"
        KILL_SWITCH = rules.KILL_SWITCH, "engage the kill switch"

    domain = _domain()
    metric = _metric()
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


class RegressionState(models.Model):
    """How a tripwire stands, and what it saw last. Written under the lock of its policy."""

    domain = _domain()
    metric = _metric()
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


class RegressionGap(models.Model):
    """The events of a trip up to its re-arming, after ``after_id`` up to ``until_id``: left out of every window."""

    domain = _domain()
    metric = _metric()
    after_id = models.PositiveBigIntegerField(help_text="The last event before the gap.")
    until_id = models.PositiveBigIntegerField(help_text="The last event of the gap.")

    class Meta:
        db_table = "regression_gap"
        ordering: ClassVar = ["-until_id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["domain", "metric", "until_id"], name="regression_gap_once"),
            models.CheckConstraint(condition=Q(until_id__gt=F("after_id")), name="regression_gap_holds_something"),
        ]

    def __str__(self) -> str:
        """Return the gap in one line."""
        return f"{rules.key(self.domain, self.metric)} ({self.after_id}, {self.until_id}]"


class RegressionIncident(models.Model):
    """One trip: what was pulled, the figures at the time, and who dealt with it when."""

    class Status(models.TextChoices):
        """How far it is dealt with."""

        OPEN = "OPEN", "open"
        ACKNOWLEDGED = "ACKNOWLEDGED", "acknowledged"
        RESOLVED = "RESOLVED", "resolved"

    domain = _domain()
    metric = _metric()
    action = models.CharField(max_length=16, choices=RegressionPolicy.Action.choices, help_text="What was pulled.")
    status = models.CharField(
        max_length=16, choices=Status.choices, default=Status.OPEN, help_text="How far it is dealt with."
    )
    opened_at = models.DateTimeField(help_text="When the tripwire triggered (UTC).")
    acknowledged_at = models.DateTimeField(null=True, blank=True, help_text="When a person took it on (UTC).")
    acknowledged_by = models.CharField(max_length=150, blank=True, help_text="Who took it on.")
    resolved_at = models.DateTimeField(null=True, blank=True, help_text="When it was resolved (UTC).")
    resolved_by = models.CharField(max_length=150, blank=True, help_text="Who resolved it.")
    resolution = models.TextField(blank=True, help_text="What it was, as whoever resolved it wrote.")
    baseline = models.FloatField(help_text="The baseline's mean when it triggered.")
    current = models.FloatField(help_text="The current window's mean when it triggered.")
    drop_fraction = models.FloatField(help_text="The drop that triggered.")
    max_drop_fraction = models.DecimalField(max_digits=7, decimal_places=6, help_text="The policy's limit at the time.")
    baseline_count = models.PositiveIntegerField(help_text="Events of the baseline.")
    current_count = models.PositiveIntegerField(help_text="Events of the current window.")
    first_event_id = models.PositiveBigIntegerField(help_text="The first event of the current window.")
    last_event_id = models.PositiveBigIntegerField(help_text="The event that triggered.")

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
            "resolution": self.resolution,
        }
