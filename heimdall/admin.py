"""Operator screens of Heimdall: lists and read-only details."""

from __future__ import annotations

from django.contrib import admin

from governance.console import columns
from governance.console.columns import GOOD, INFO
from governance.console.offers import Offer
from governance.console.screens import Screen
from heimdall import rules
from heimdall.models import HeimdallEvent, HeimdallPolicy, HeimdallRecommendation, HeimdallScorecardDay


@admin.register(HeimdallPolicy)
class HeimdallPolicyScreen(Screen):
    """Policies."""

    list_offers = (Offer(action=rules.SET_POLICY, label="New policy"),)
    offers = (
        Offer(action=rules.SET_POLICY, label="Change thresholds", tone="primary"),
        Offer(
            action=rules.SET_POLICY,
            label="Stop production use",
            patch={"prod_use_enabled": False},
            when=lambda policy: policy.prod_use_enabled,
            tone="danger",
        ),
        Offer(
            action=rules.SET_POLICY,
            label="Enable production use",
            patch={"prod_use_enabled": True},
            when=lambda policy: not policy.prod_use_enabled,
        ),
    )
    list_display = (
        "domain", "engine",
        columns.word("prod_use_enabled", "Production use", {True: ("enabled", GOOD), False: ("off", INFO)}),
        "min_confidence_prod", "min_sandbox_trials", "min_sandbox_success_rate",
        "evidence_days", "changed_by", "updated_at",
    )  # fmt: skip
    list_filter = ("prod_use_enabled", "engine")
    search_fields = ("domain", "engine", "reason", "changed_by")


@admin.register(HeimdallScorecardDay)
class HeimdallScorecardDayScreen(Screen):
    """Scorecards."""

    list_display = ("day", "domain", "trials", "successes", "success_rate")
    list_filter = ("domain",)
    search_fields = ("domain",)
    date_hierarchy = "day"


@admin.register(HeimdallRecommendation)
class HeimdallRecommendationScreen(Screen):
    """Recommendations."""

    list_display = (
        "id", "domain", "confidence", "prod_eligible", "gate_reason", "actor", "created_at", "authorized_at",
    )  # fmt: skip
    list_filter = ("prod_eligible", "gate_reason", "domain")
    search_fields = ("domain", "actor", "correlation_id")
    date_hierarchy = "created_at"


@admin.register(HeimdallEvent)
class HeimdallEventScreen(Screen):
    """Decisions."""

    list_display = ("at", "kind", "domain", "confidence", "success", "reason", "actor", "recommendation_id")
    list_filter = ("kind", "reason", "domain")
    search_fields = ("domain", "actor")
    date_hierarchy = "at"
