"""Operator screens of the tripwires: lists and read-only details."""

from __future__ import annotations

from django.contrib import admin

from governance.admin import ReadOnlyAdmin
from regression.models import KpiEvent, RegressionGap, RegressionIncident, RegressionPolicy, RegressionState


@admin.register(RegressionPolicy)
class RegressionPolicyAdmin(ReadOnlyAdmin):
    """Policies."""

    list_display = (
        "domain", "metric", "enabled", "action", "max_drop_fraction", "window_events", "baseline_events",
        "min_events_to_enforce", "changed_by", "updated_at",
    )  # fmt: skip
    list_filter = ("enabled", "action", "domain")
    search_fields = ("domain", "metric", "reason", "changed_by")


@admin.register(RegressionState)
class RegressionStateAdmin(ReadOnlyAdmin):
    """States."""

    list_display = (
        "domain", "metric", "triggered", "baseline", "current", "drop_fraction", "last_checked_at",
        "last_triggered_at", "note",
    )  # fmt: skip
    list_filter = ("triggered", "domain")
    search_fields = ("domain", "metric")


@admin.register(RegressionIncident)
class RegressionIncidentAdmin(ReadOnlyAdmin):
    """Incidents."""

    list_display = (
        "id", "domain", "metric", "action", "status", "drop_fraction", "opened_at", "acknowledged_by", "resolved_by",
    )  # fmt: skip
    list_filter = ("status", "action", "domain")
    search_fields = ("domain", "metric", "resolution")
    date_hierarchy = "opened_at"


@admin.register(RegressionGap)
class RegressionGapAdmin(ReadOnlyAdmin):
    """What re-armed trips left out."""

    list_display = ("domain", "metric", "after_id", "until_id")
    list_filter = ("domain",)
    search_fields = ("domain", "metric")


@admin.register(KpiEvent)
class KpiEventAdmin(ReadOnlyAdmin):
    """Events."""

    list_display = ("id", "at", "domain", "metric", "success", "value", "actor", "correlation_id")
    list_filter = ("success",)
    search_fields = ("domain", "metric", "actor", "correlation_id")
    date_hierarchy = "at"
