"""Operator screens of the kernel, and the base that every lever's screens stand on."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from unfold.admin import ModelAdmin

from governance import roles
from governance.models import AuditEvent, ChangeRequest, Epoch, Hold, Seal


class ReadOnlyAdmin(ModelAdmin):
    """A model that is shown, to who has its right, and never edited here: changes go through the door."""

    right: ClassVar[str] = roles.READ
    list_per_page = 50
    show_full_result_count = False
    actions: ClassVar = None

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Say whether the person may read this: by the one table of role and right, not by Django's permissions."""
        return self.right in roles.rights_of(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Say the same."""
        return self.has_module_permission(request)

    def has_add_permission(self, request: HttpRequest, *_args: Any) -> bool:
        """Return False: rows are written by services."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False: rows are written by services."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return False: nothing here is deleted."""
        return False


@admin.register(Hold)
class HoldAdmin(ReadOnlyAdmin):
    """What holds now."""

    list_display = ("scope", "code", "reason", "source", "since", "until")
    list_filter = ("source", "code")
    search_fields = ("scope", "reason")


@admin.register(ChangeRequest)
class ChangeRequestAdmin(ReadOnlyAdmin):
    """Changes that wait, or waited, for a second person."""

    list_display = ("id", "action", "target", "status", "requested_by", "requested_at", "decided_by")
    list_filter = ("status", "action")
    search_fields = ("target", "requested_by", "reason")


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Who changed, approved or attempted what."""

    right = roles.AUDIT
    list_display = ("at", "actor", "action", "target", "outcome", "reason", "via")
    list_filter = ("outcome", "action", "via")
    search_fields = ("actor", "target", "reason", "request_id")
    date_hierarchy = "at"


@admin.register(Epoch)
class EpochAdmin(ReadOnlyAdmin):
    """The epoch of the switches."""

    list_display = ("id", "value")


@admin.register(Seal)
class SealAdmin(ReadOnlyAdmin):
    """The seals over the trail."""

    list_display = ("chain", "number", "rows", "sealed_at", "hash")
    list_filter = ("chain",)
    search_fields = ("hash",)
