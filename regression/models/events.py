"""KPI events, and the gaps that trips leave behind."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from governance.appendonly import LeverEvent
from governance.rows import Row
from regression import rules
from regression.models import columns
from regression.rules import MAX_VALUE


class KpiEvent(LeverEvent):
    """One observation of a metric. Ids grow in order of arrival; nothing updates an event."""

    expendable = True

    at = models.DateTimeField(help_text="When it arrived (UTC).")
    domain = columns.domain()
    metric = columns.metric()
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


class RegressionGap(Row):
    """The events of a trip up to its re-arming, after ``after_id`` up to ``until_id``: left out of every window."""

    domain = columns.domain()
    metric = columns.metric()
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
