"""Operator screens of Heimdall: lists and read-only details."""

from __future__ import annotations

from django.contrib import admin

from governance.admin import ReadOnlyAdmin
from heimdall.models import HeimdallEvent, HeimdallPolicy, HeimdallRecommendation, HeimdallScorecardDay


@admin.register(HeimdallPolicy)
class HeimdallPolicyAdmin(ReadOnlyAdmin):
    """Policies."""

    list_display = (
        "domain", "engine", "prod_use_enabled", "min_confidence_prod", "min_sandbox_trials", "min_sandbox_success_rate",
        "evidence_days", "changed_by", "updated_at",
    )  # fmt: skip
    list_filter = ("prod_use_enabled", "engine")
    search_fields = ("domain", "engine", "reason", "changed_by")


@admin.register(HeimdallScorecardDay)
class HeimdallScorecardDayAdmin(ReadOnlyAdmin):
    """Scorecards."""

    list_display = ("day", "domain", "trials", "successes", "success_rate")
    list_filter = ("domain",)
    search_fields = ("domain",)
    date_hierarchy = "day"


@admin.register(HeimdallRecommendation)
class HeimdallRecommendationAdmin(ReadOnlyAdmin):
    """Recommendations."""

    list_display = (
        "id", "domain", "confidence", "prod_eligible", "gate_reason", "actor", "created_at", "authorized_at",
    )  # fmt: skip
    list_filter = ("prod_eligible", "gate_reason", "domain")
    search_fields = ("domain", "actor", "correlation_id")
    date_hierarchy = "created_at"


@admin.register(HeimdallEvent)
class HeimdallEventAdmin(ReadOnlyAdmin):
    """Decisions."""

    list_display = ("at", "kind", "domain", "confidence", "success", "reason", "actor", "recommendation_id")
    list_filter = ("kind", "reason", "domain")
    search_fields = ("domain", "actor")
    date_hierarchy = "at"
