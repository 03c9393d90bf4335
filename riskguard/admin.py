"""Operator screens of the risk guard: lists and read-only details."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest

from governance import money, names
from governance.console import columns, filters
from governance.console.columns import BAD, GOOD, INFO, WARN
from governance.console.histories import HistoryScreen
from governance.console.offers import Button, Offer
from governance.console.screens import Screen
from riskguard import policies, selectors
from riskguard.models import MONEY_CAPS, RiskEvent, RiskLedgerDay, RiskPolicy, RiskReservation
from riskguard.rules import CAPS, GLOBAL
from riskguard.stories import ReservationPage

Status, Kind = RiskReservation.Status, RiskEvent.Kind
TONES: dict[str, str] = {Status.OPEN: WARN, Status.EXPIRED: BAD, Status.SETTLED: GOOD, Status.RELEASED: INFO}
ENGINE = filters.exactly("engine", spell=names.engine)


@admin.register(RiskPolicy)
class RiskPolicyScreen(Screen):
    """Policies."""

    empty = "Create one, or put the seeded ones back with manage.py seed_governance."
    limits = CAPS
    list_offers = (Offer(action=policies.SET_POLICY, label="New policy"),)
    offers = (
        Offer(action=policies.SET_POLICY, label="Change caps", tone="primary"),
        Offer(
            action=policies.SET_POLICY,
            label="Throttle",
            patch={"enabled": False},
            asks=("until",),
            when=lambda row: row.enabled,
            tone="danger",
        ),
        Offer(
            action=policies.SET_POLICY,
            label="Retire",
            patch={"retired": True},
            when=lambda row: not row.retired and row.engine != GLOBAL,
        ),
        Offer(action=policies.SET_POLICY, label="Bring back", patch={"retired": False}, when=lambda row: row.retired),
        Offer(
            action=policies.SET_POLICY,
            label="Enable",
            patch={"enabled": True},
            asks=("until",),
            when=lambda row: not row.enabled and not row.retired,
        ),
    )
    list_display = (
        "engine",
        columns.word("enabled", "Policy", {True: ("enabled", GOOD), False: ("disabled", BAD)}),
        "max_daily_loss",
        "max_daily_exposure",
        columns.figure("exposure_today", "Exposure today", money.spoken, money.spoken(0)),
        "max_open_risk",
        columns.last_change,
        "until",
    )
    list_filter = (filters.Retired, "enabled")
    search_fields = ("engine", "reason", "changed_by")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the policies with the exposure that each has used today."""
        today = RiskLedgerDay.objects.filter(engine=OuterRef("engine"), day=selectors.today())
        return super().get_queryset(request).annotate(exposure_today=Subquery(today.values("exposure_used")[:1]))


@admin.register(RiskLedgerDay)
class RiskLedgerDayScreen(HistoryScreen):
    """The ledger."""

    empty = "A day is opened by its first reservation."
    moment = ""
    list_display = ("day", "engine", "exposure_used", "open_risk_reserved", "realized_loss", "actions_count")
    list_filter = (ENGINE, filters.days("day", plain=True))


@admin.register(RiskReservation)
class RiskReservationScreen(HistoryScreen):
    """Reservations; what is open or waits for a person stands out."""

    empty = "Engines reserve with POST /api/governance/risk/check-and-reserve."
    moment = "created_at"
    list_display = (
        "id", "engine", "amount", columns.choice("status", "Status", Status, TONES),
        "actor", "correlation_id", "created_at", "expires_at",
    )  # fmt: skip
    list_filter = (
        ("status", filters.Choice), ("needs_review", filters.YesNo), ENGINE, filters.days("created_at"),
        filters.exactly("actor"), filters.exactly("correlation_id"), filters.exactly("idempotency_key"),
    )  # fmt: skip
    found_by = ("correlation_id",)
    indexed = frozenset({"engine"})
    rare = frozenset({("status__exact", Status.OPEN), ("needs_review__exact", "1")})

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """Show the whole story of a reservation."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not self.has_view_permission(request, row) or request.method != "GET":
            return super().change_view(request, object_id, form_url, extra_context)
        return ReservationPage.as_view(site=self.admin_site)(request, reservation=row)

    def listed(self, request: HttpRequest) -> list[Button]:
        """Return what a person looks for first, and the files."""
        waiting = Button("Open", "?status__exact=OPEN", ""), Button("To be looked at", "?needs_review__exact=1", "")
        return [*waiting, *super().listed(request)]


@admin.register(RiskEvent)
class RiskEventScreen(HistoryScreen):
    """Decisions."""

    empty = "Every reservation that is asked for, granted or refused, will stand here."
    list_display = (
        "at", columns.choice("kind", "Kind", Kind, {Kind.DENY: BAD, Kind.EXPIRE: WARN, Kind.RESERVE: GOOD}),
        "engine", "amount", "reason", "policy", "cap", "actor", "correlation_id",
    )  # fmt: skip
    list_filter = (
        ("kind", filters.Choice), ENGINE, filters.days("at"), filters.exactly("reason"), filters.exactly("actor"),
        filters.exactly("correlation_id"), filters.exactly("policy", spell=names.engine), filters.exactly("cap"),
    )  # fmt: skip
    found_by = ("correlation_id",)
    indexed = frozenset({"engine"})

    def exported(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a decision with its changes, and a money cap's figures, in currency units."""
        signed = ("exposure_delta", "open_risk_delta", "loss_delta")
        figures = ("limit", "used") if row["cap"] in MONEY_CAPS else ()
        return {**row, **{name: money.to_units(row[name]) for name in (*signed, *figures)}}
