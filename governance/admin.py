"""Operator screens of the kernel."""

from __future__ import annotations

from django.contrib import admin

from governance import roles
from governance.console import columns
from governance.console.columns import BAD, GOOD, WARN
from governance.console.screens import Screen
from governance.models import AuditEvent, ChangeRequest, Epoch, Hold, Seal

Status, Outcome = ChangeRequest.Status, AuditEvent.Outcome


@admin.register(Hold)
class HoldScreen(Screen):
    """What holds now."""

    list_display = ("scope", "code", "reason", "source", "since", "until")
    list_filter = ("source", "code")
    search_fields = ("scope", "reason")


@admin.register(ChangeRequest)
class ChangeRequestScreen(Screen):
    """Changes that wait, or waited, for a second person."""

    list_display = (
        "id",
        "action",
        "target",
        columns.choice("status", "Status", Status, {Status.PENDING: WARN, Status.APPLIED: GOOD}),
        "requested_by",
        "requested_at",
        "decided_by",
    )
    list_filter = ("status", "action")
    search_fields = ("target", "requested_by", "reason")


@admin.register(AuditEvent)
class AuditEventScreen(Screen):
    """Who changed, approved or attempted what."""

    right = roles.AUDIT
    list_display = (
        "at",
        "actor",
        "action",
        "target",
        columns.choice("outcome", "Outcome", Outcome, {Outcome.APPLIED: GOOD, Outcome.REFUSED: BAD}),
        "reason",
        "via",
    )
    list_filter = ("outcome", "action", "via")
    search_fields = ("actor", "target", "reason", "request_id")
    date_hierarchy = "at"


@admin.register(Epoch)
class EpochScreen(Screen):
    """The epoch of the switches."""

    list_display = ("id", "value")


@admin.register(Seal)
class SealScreen(Screen):
    """The seals over the trail."""

    list_display = ("chain", "number", "rows", "sealed_at", "hash")
    list_filter = ("chain",)
    search_fields = ("hash",)
