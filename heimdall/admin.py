"""Operator screens of Heimdall: lists and read-only details."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from governance import clock, names
from governance.console import columns, filters
from governance.console.columns import BAD, GOOD, INFO
from governance.console.histories import HistoryScreen
from governance.console.offers import Offer
from governance.console.screens import Screen
from heimdall import rules, selectors, words
from heimdall.models import (
    HeimdallEvent,
    HeimdallEvidence,
    HeimdallPolicy,
    HeimdallRecommendation,
    HeimdallScorecardDay,
)

Kind = HeimdallEvent.Kind
RULES = {rules.POINT: ("point", INFO), rules.ANYTIME: ("anytime", INFO)}
DOMAIN = filters.exactly("domain", spell=names.engine)


@admin.register(HeimdallPolicy)
class HeimdallPolicyScreen(Screen):
    """Policies."""

    empty = "Create one, or put the seeded ones back with manage.py seed_governance."
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
            asks=("until",),
            when=lambda policy: not policy.prod_use_enabled and not policy.retired,
        ),
        Offer(action=rules.SET_POLICY, label="Retire", patch={"retired": True}, when=lambda row: not row.retired),
        Offer(
            action=rules.SET_POLICY, label="Bring back", patch={"retired": False}, when=lambda policy: policy.retired
        ),
    )
    list_display = (
        "domain", "engine",
        columns.word("prod_use_enabled", "Production use", {True: ("enabled", GOOD), False: ("off", INFO)}),
        columns.figure("min_confidence_prod", "Confidence", "{:.1%}".format, "-"),
        columns.figure("min_sandbox_trials", "Trials", "{:,}".format, "-"),
        columns.figure("min_sandbox_success_rate", "Success rate", "{:.1%}".format, "-"),
        columns.word("evidence_rule", "Rule", RULES), "evidence_days",
        columns.figure("decided_today", "Authorizations today", str, "none"), columns.last_change, "until",
    )  # fmt: skip
    list_filter = (filters.Retired, "prod_use_enabled", "evidence_rule", "engine")
    search_fields = ("domain", "engine", "reason", "changed_by")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the policies with today's authorizations by their result: one query for all, bounded by reason."""
        made = selectors.decisions_between(clock.midnight(selectors.today()), clock.database_now())
        told = {domain: words.decided(decisions.authorized, decisions.denied) for domain, decisions in made.items()}
        return super().get_queryset(request).annotate(decided_today=columns.by_row("domain", told))


@admin.register(HeimdallScorecardDay)
class HeimdallScorecardDayScreen(HistoryScreen):
    """Scorecards."""

    empty = "Sandbox trials fill it: POST /api/governance/heimdall/sandbox/trial."
    moment = ""
    list_display = ("day", "domain", "trials", "successes", "success_rate")
    list_filter = (DOMAIN, filters.days("day", plain=True))


@admin.register(HeimdallEvidence)
class HeimdallEvidenceScreen(Screen):
    """Evidence since each domain's start."""

    empty = "Sandbox trials fill it: POST /api/governance/heimdall/sandbox/trial."
    offers = (Offer(action=rules.RESTART),)
    list_display = (
        "domain", "start", "started_at", "started_by", "trials", "successes", "success_rate", "admitted_at",
    )  # fmt: skip
    search_fields = ("domain", "reason", "started_by")


@admin.register(HeimdallRecommendation)
class HeimdallRecommendationScreen(HistoryScreen):
    """Recommendations."""

    empty = "Engines ask with POST /api/governance/heimdall/recommend."
    moment = "created_at"
    list_display = (
        "id", "domain", "confidence",
        columns.word("prod_eligible", "Eligible", {True: ("yes", GOOD), False: ("no", INFO)}),
        "gate_reason", "actor", "correlation_id", "created_at", "authorized_at", "outcome",
    )  # fmt: skip
    list_filter = (
        DOMAIN, filters.days("created_at"), ("prod_eligible", filters.YesNo), ("outcome", filters.YesNo),
        filters.exactly("gate_reason", "reason"), filters.exactly("actor"), filters.exactly("correlation_id"),
    )  # fmt: skip
    found_by = ("correlation_id",)
    indexed = frozenset({"domain", "gate_reason", "actor"})


@admin.register(HeimdallEvent)
class HeimdallEventScreen(HistoryScreen):
    """Decisions."""

    empty = "Every recommendation, authorization and trial will stand here."
    list_display = (
        "at", columns.choice("kind", "Kind", Kind, {Kind.DENY: BAD, Kind.AUTHORIZE: GOOD}),
        "domain", "confidence", "success", "reason", "actor", "recommendation_id",
    )  # fmt: skip
    list_filter = (
        ("kind", filters.Choice), DOMAIN, filters.days("at"), filters.exactly("reason"), filters.exactly("actor"),
        filters.exactly("recommendation_id", "recommendation", filters.number),
    )  # fmt: skip
    indexed = frozenset({"kind__exact", "domain", "reason", "actor", "recommendation_id"})
