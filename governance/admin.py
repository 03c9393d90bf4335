"""Operator screens of the kernel."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import HttpRequest
from django.shortcuts import redirect

from governance import outbox, roles
from governance.console import columns, filters
from governance.console.columns import BAD, GOOD, WARN
from governance.console.histories import HistoryScreen
from governance.console.screens import Screen
from governance.happenings import Notice
from governance.models import AuditEvent, ChangeRequest, Epoch, Hold, JobRun, ReviewDecision, Seal

Status, Outcome, Verdict = ChangeRequest.Status, AuditEvent.Outcome, ReviewDecision.Verdict


@admin.register(Hold)
class HoldScreen(Screen):
    """What holds now."""

    empty = "Nothing is held: no lever stops an engine."
    list_display = ("scope", "code", "reason", "source", "since", "starts_at", "until")
    list_filter = ("source", "code")
    search_fields = ("scope", "reason")


@admin.register(ChangeRequest)
class ChangeRequestScreen(Screen):
    """Changes that wait, or waited, for a second person."""

    empty = "With four eyes on, a change that loosens a control waits here for a second person."
    list_display = (
        "id",
        "action",
        "target",
        columns.choice("status", "Status", Status, {Status.PENDING: WARN, Status.APPLIED: GOOD, Status.FORCED: BAD}),
        "requested_by",
        "requested_at",
        "decided_by",
        "looked_at_by",
    )
    list_filter = ("status", "action")
    search_fields = ("target", "requested_by", "reason")

    def change_view(self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None) -> Any:
        """Lead to the change's own page, where it is decided."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not self.has_view_permission(request, row) or request.method != "GET":
            return super().change_view(request, object_id, form_url, extra_context)
        return redirect("admin:change", row.pk)


@admin.register(AuditEvent)
class AuditEventScreen(HistoryScreen):
    """Who changed, approved or attempted what."""

    empty = "Every change, approval and attempt will stand here."
    right = roles.AUDIT
    list_display = (
        "at",
        "actor",
        "action",
        "target",
        columns.choice("outcome", "Outcome", Outcome, {Outcome.APPLIED: GOOD, Outcome.REFUSED: BAD}),
        "reason",
        "via",
        "request_id",
    )
    list_filter = (
        ("outcome", filters.Choice), filters.exactly("action"), filters.exactly("target"), filters.days("at"),
        filters.exactly("actor"), filters.exactly("via"), filters.exactly("request_id"),
        filters.exactly("change_request_id", "change request", filters.number),
    )  # fmt: skip
    found_by = ("request_id", "target")
    indexed = frozenset({"actor", "change_request_id"})


@admin.register(ReviewDecision)
class ReviewDecisionScreen(Screen):
    """What past reviews ended in."""

    empty = "On Monday, read the review and record what it comes to: healthy, watch or intervene."
    list_display = (
        "at",
        columns.choice(
            "verdict", "Verdict", Verdict, {Verdict.HEALTHY: GOOD, Verdict.WATCH: WARN, Verdict.INTERVENE: BAD}
        ),
        "note",
        "decided_by",
    )
    list_filter = ("verdict",)
    search_fields = ("note", "decided_by")
    date_hierarchy = "at"


@admin.register(Epoch)
class EpochScreen(Screen):
    """The epoch of the switches."""

    empty = "It is missing, so every control refuses: run manage.py seed_governance."
    list_display = ("id", "value")


@admin.register(Seal)
class SealScreen(HistoryScreen):
    """The seals over the trail."""

    empty = "manage.py seal_audit seals the trail; the scheduler does it by itself."
    moment = ""
    list_display = ("chain", "number", "rows", "sealed_at", "hash")
    list_filter = (filters.exactly("chain", spell=filters.number),)
    found_by = ("hash",)


@admin.register(JobRun)
class JobRunScreen(Screen):
    """How each job's last run went."""

    empty = "No job has run: start manage.py run_scheduler, or make run, which starts it."
    list_display = (
        "name",
        columns.choice(
            "outcome",
            "Outcome",
            JobRun.Outcome,
            {JobRun.Outcome.DONE: GOOD, JobRun.Outcome.FAILED: BAD, JobRun.Outcome.RUNNING: WARN},
        ),
        "started_at",
        "took",
        "failures",
        "detail",
    )
    list_filter = ("outcome",)
    search_fields = ("name", "detail")


@admin.register(Notice)
class NoticeScreen(Screen):
    """The outbox: what people are told of."""

    empty = "What people are told of will stand here: trips, kills, releases, pending changes and more."
    list_display = ("at", "kind", "engine", "says", "routed_at")
    list_filter = ("kind", "engine")
    search_fields = ("kind", "engine")
    date_hierarchy = "at"

    def says(self, notice: Notice) -> str:
        """Return the sentence for people."""
        return outbox.spoken(notice)[1]
