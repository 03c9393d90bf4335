"""Operator screens of the switches."""

from __future__ import annotations

from django.contrib import admin

from golive.models import GoLiveState
from governance.admin import ReadOnlyAdmin


@admin.register(GoLiveState)
class GoLiveStateAdmin(ReadOnlyAdmin):
    """The switches."""

    list_display = ("go_live_enabled", "kill_switch_engaged", "changed_by", "reason", "updated_at")
