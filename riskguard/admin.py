"""Operator screens of the risk guard: lists and read-only details."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest

from governance import money
from governance.console import columns
from governance.console.columns import BAD, GOOD
from governance.console.offers import Offer
from governance.console.screens import Screen
from riskguard import selectors, services
from riskguard.models import RiskEvent, RiskLedgerDay, RiskPolicy, RiskReservation
from riskguard.rules import CAPS


@admin.register(RiskPolicy)
class RiskPolicyScreen(Screen):
    """Policies."""

    limits = CAPS
    list_offers = (Offer(action=services.SET_POLICY, label="New policy"),)
    offers = (
        Offer(action=services.SET_POLICY, label="Change caps", tone="primary"),
        Offer(
            action=services.SET_POLICY,
            label="Throttle",
            patch={"enabled": False},
            when=lambda row: row.enabled,
            tone="danger",
        ),
        Offer(
            action=services.SET_POLICY, label="Enable", patch={"enabled": True}, when=lambda policy: not policy.enabled
        ),
    )
    list_display = (
        "engine",
        columns.word("enabled", "Policy", {True: ("enabled", GOOD), False: ("disabled", BAD)}),
        "max_daily_loss",
        "max_daily_exposure",
        columns.figure("exposure_today", "Exposure today", money.spoken, money.spoken(0)),
        "max_open_risk",
        "changed_by",
        "updated_at",
    )
    list_filter = ("enabled",)
    search_fields = ("engine", "reason", "changed_by")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the policies with the exposure that each has used today."""
        today = RiskLedgerDay.objects.filter(engine=OuterRef("engine"), day=selectors.today())
        return super().get_queryset(request).annotate(exposure_today=Subquery(today.values("exposure_used")[:1]))


@admin.register(RiskLedgerDay)
class RiskLedgerDayScreen(Screen):
    """The ledger."""

    list_display = ("day", "engine", "exposure_used", "open_risk_reserved", "realized_loss", "actions_count")
    list_filter = ("engine",)
    search_fields = ("engine",)
    date_hierarchy = "day"


@admin.register(RiskReservation)
class RiskReservationScreen(Screen):
    """Reservations."""

    list_display = ("id", "engine", "amount", "status", "actor", "created_at", "expires_at", "needs_review")
    list_filter = ("status", "needs_review", "engine")
    search_fields = ("engine", "actor", "correlation_id", "idempotency_key")
    date_hierarchy = "created_at"


@admin.register(RiskEvent)
class RiskEventScreen(Screen):
    """Decisions."""

    list_display = ("at", "kind", "engine", "amount", "reason", "policy", "cap", "actor")
    list_filter = ("kind", "reason", "engine")
    search_fields = ("engine", "actor", "correlation_id")
    date_hierarchy = "at"
