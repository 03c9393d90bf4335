"""Operator screens of the tripwires: lists and read-only details."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, Subquery
from django.http import HttpRequest

from governance import clock, names, tallies
from governance.console import columns, filters
from governance.console.columns import BAD, GOOD, INFO, WARN
from governance.console.histories import HistoryScreen
from governance.console.offers import Button, Offer
from governance.console.screens import Screen
from regression import pages, rates, rules
from regression.models import (
    KpiBatch,
    KpiEvent,
    RegressionBaseline,
    RegressionGap,
    RegressionIncident,
    RegressionPolicy,
    RegressionState,
)

Status, Pin = RegressionIncident.Status, RegressionBaseline.Status
DETECTORS = {rules.WINDOW: ("window", INFO), rules.SEQUENTIAL: ("sequential", INFO)}
ACTIONS = {rules.THROTTLE: ("throttle", WARN), rules.KILL_SWITCH: ("kill switch", BAD)}
MODES = {rules.ENFORCE: ("enforce", GOOD), rules.SHADOW: ("shadow", INFO)}
PIN_TONES: dict[str, str] = {Pin.TAKING: WARN, Pin.PINNED: GOOD, Pin.REPLACED: INFO, Pin.UNFIT: BAD}
TONES: dict[str, str] = {Status.OPEN: BAD, Status.ACKNOWLEDGED: WARN, Status.RESOLVED: GOOD}


class TripwireScreen(Screen):
    """Rows of one tripwire each, which lead to its page."""

    def links(self, row: RegressionPolicy | RegressionState | RegressionBaseline) -> Sequence[Button]:
        """Return the link to the tripwire's page."""
        return (Button("Look at the plot", pages.href(row.domain, row.metric), ""),)


@admin.register(RegressionPolicy)
class RegressionPolicyScreen(TripwireScreen):
    """Policies."""

    empty = "Create one, or put the seeded ones back with manage.py seed_governance."
    list_offers = (Offer(action=rules.SET_POLICY, label="New tripwire"),)
    offers = (
        Offer(action=rules.SET_POLICY, label="Change the tripwire", tone="primary"),
        Offer(
            action=rules.SET_POLICY,
            label="Enable",
            patch={"enabled": True},
            when=lambda policy: not policy.enabled and not policy.retired,
        ),
        Offer(
            action=rules.SET_POLICY,
            label="Switch off",
            patch={"enabled": False},
            asks=("until",),
            when=lambda policy: policy.enabled,
            tone="danger",
        ),
        Offer(action=rules.SET_POLICY, label="Retire", patch={"retired": True}, when=lambda row: not row.retired),
        Offer(
            action=rules.SET_POLICY, label="Bring back", patch={"retired": False}, when=lambda policy: policy.retired
        ),
        Offer(action=rules.SET_POLICY, label="Disable", patch={"enabled": False}, when=lambda policy: policy.enabled),
        Offer(action=rules.PIN),
    )
    list_display = (
        "domain", "metric",
        columns.word("enabled", "Watches", {True: ("enabled", GOOD), False: ("disabled", INFO)}),
        columns.figure("events_today", "Events today", str, "none"),
        columns.figure("rate", "Last rate", "{:.3f}".format, "-"),
        columns.figure("max_drop_fraction", "Max drop", "{:.1%}".format, "-"),
        columns.word("detector", "Detector", DETECTORS), columns.word("action", "Action", ACTIONS),
        columns.word("mode", "Mode", MODES), columns.last_change, "until",
    )  # fmt: skip
    list_filter = (filters.Retired, "enabled", "mode", "detector", "action", "domain")
    search_fields = ("domain", "metric", "reason", "changed_by")

    def get_queryset(self, request: HttpRequest) -> Any:
        """Return the policies with the events of today and the rate that was seen last: one query more, for all."""
        counted = rates.events_since(clock.midnight(clock.database_now().date()))
        told = {key: tallies.spoken(times) for key, times in counted.items() if times}
        seen = RegressionState.objects.filter(domain=OuterRef("domain"), metric=OuterRef("metric"))
        return (
            super()
            .get_queryset(request)
            .annotate(events_today=columns.by_row("pk", told), rate=Subquery(seen.values("current")[:1]))
        )


@admin.register(RegressionState)
class RegressionStateScreen(TripwireScreen):
    """States."""

    empty = "A tripwire has a state from its first KPI event on."
    offers = (Offer(action=rules.REARM, when=lambda state: state.triggered, tone="primary"),)
    list_display = (
        "domain", "metric",
        columns.word("triggered", "Stands", {True: ("triggered", BAD), False: ("armed", GOOD)}),
        "baseline", "current", "drop_fraction", "last_checked_at",
        "last_triggered_at", "note",
    )  # fmt: skip
    list_filter = ("triggered", "domain")
    search_fields = ("domain", "metric")

    def target(self, row: RegressionState) -> str:
        """Return the tripwire's name."""
        return rules.key(row.domain, row.metric)


@admin.register(RegressionIncident)
class RegressionIncidentScreen(Screen):
    """Incidents."""

    empty = "No tripwire has tripped."
    offers = (
        Offer(
            action=rules.ACKNOWLEDGE,
            label="Acknowledge",
            when=lambda incident: incident.status == Status.OPEN,
            tone="primary",
        ),
        Offer(action=rules.RESOLVE, label="Resolve", when=lambda incident: incident.status != Status.RESOLVED),
    )
    list_display = (
        "id", "domain", "metric", columns.choice("status", "Status", Status, TONES),
        columns.word("action", "Action", ACTIONS), columns.word("mode", "Mode", MODES),
        columns.figure("drop_fraction", "Drop", "{:.1%}".format, "-"),
        "events_to_detect", "opened_at", "acknowledged_by", "resolved_by", "cause",
    )  # fmt: skip
    list_filter = ("status", "cause", "mode", "detector", "action", "domain")
    search_fields = ("domain", "metric", "resolution")
    date_hierarchy = "opened_at"

    def target(self, row: RegressionIncident) -> str:
        """Return the incident's number."""
        return str(row.pk)

    def links(self, row: RegressionIncident) -> Sequence[Button]:
        """Return the link to its tripwire's page, at the trip."""
        return (Button("Look at the plot", pages.incident_href(row), ""),)


@admin.register(RegressionBaseline)
class RegressionBaselineScreen(TripwireScreen):
    """Pinned baselines."""

    empty = "Pin one from a tripwire's page, to compare with that and not with the events before the window."
    list_display = (
        "domain", "metric", "number", columns.choice("status", "Status", Pin, PIN_TONES), "events", "size", "mean",
        "bound", "correlation", "pinned_by", "pinned_at", "note",
    )  # fmt: skip
    list_filter = ("status", "domain")
    search_fields = ("domain", "metric", "pinned_by", "reason")


@admin.register(RegressionGap)
class RegressionGapScreen(Screen):
    """What re-armed trips left out."""

    empty = "Re-arming leaves the events before it out of the windows: what it left out will stand here."
    list_display = ("domain", "metric", "after_id", "until_id")
    list_filter = ("domain",)
    search_fields = ("domain", "metric")


@admin.register(KpiEvent)
class KpiEventScreen(HistoryScreen):
    """Events."""

    empty = "Engines record with POST /api/governance/regression/kpi."
    list_display = ("id", "at", "domain", "metric", "success", "value", "actor", "correlation_id")
    list_filter = (
        filters.exactly("domain", spell=names.engine), filters.exactly("metric", spell=names.metric),
        filters.days("at"), ("success", filters.YesNo), filters.exactly("actor"), filters.exactly("correlation_id"),
    )  # fmt: skip
    found_by = ("correlation_id",)
    indexed = frozenset({"actor"})


@admin.register(KpiBatch)
class KpiBatchScreen(HistoryScreen):
    """Keys of batches."""

    empty = "Engines record with POST /api/governance/regression/kpi/batch."
    list_display = ("id", "at", "actor", "idempotency_key")
    list_filter = (filters.exactly("actor"), filters.exactly("idempotency_key"))
