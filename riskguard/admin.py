"""Operator screens of the risk guard: lists and read-only details."""

from __future__ import annotations

from django.contrib import admin

from governance.admin import ReadOnlyAdmin
from riskguard.models import RiskEvent, RiskLedgerDay, RiskPolicy, RiskReservation


@admin.register(RiskPolicy)
class RiskPolicyAdmin(ReadOnlyAdmin):
    """Policies."""

    list_display = (
        "engine",
        "enabled",
        "max_daily_loss",
        "max_daily_exposure",
        "max_open_risk",
        "changed_by",
        "updated_at",
    )
    list_filter = ("enabled",)
    search_fields = ("engine", "reason", "changed_by")


@admin.register(RiskLedgerDay)
class RiskLedgerDayAdmin(ReadOnlyAdmin):
    """The ledger."""

    list_display = ("day", "engine", "exposure_used", "open_risk_reserved", "realized_loss", "actions_count")
    list_filter = ("engine",)
    search_fields = ("engine",)
    date_hierarchy = "day"


@admin.register(RiskReservation)
class RiskReservationAdmin(ReadOnlyAdmin):
    """Reservations."""

    list_display = ("id", "engine", "amount", "status", "actor", "created_at", "expires_at", "needs_review")
    list_filter = ("status", "needs_review", "engine")
    search_fields = ("engine", "actor", "correlation_id", "idempotency_key")
    date_hierarchy = "created_at"


@admin.register(RiskEvent)
class RiskEventAdmin(ReadOnlyAdmin):
    """Decisions."""

    list_display = ("at", "kind", "engine", "amount", "reason", "policy", "cap", "actor")
    list_filter = ("kind", "reason", "engine")
    search_fields = ("engine", "actor", "correlation_id")
    date_hierarchy = "at"
