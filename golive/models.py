"""The one row of the switches."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from golive import rules
from governance.ending import Overridable, has_end


class GoLiveState(Overridable):
    """Whether production is enabled, and whether the kill switch is engaged. One row; a missing one means off."""

    ENDING: ClassVar = rules.ENDING
    is_looser = staticmethod(rules.is_looser)

    go_live_enabled = models.BooleanField(
        default=False, help_text="Production may run. While it is off, every path but the exempt ones is refused."
    )
    kill_switch_engaged = models.BooleanField(
        default=False, help_text="Everything that acts in production is refused at once."
    )
    changed_by = models.CharField(max_length=150, default="seed", help_text="Who changed it last.")
    reason = models.TextField(blank=True, help_text="Why.")
    updated_at = models.DateTimeField(help_text="When (UTC).")

    class Meta:
        db_table = "go_live_state"
        verbose_name_plural = "go-live state"
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(pk=1), name="go_live_is_one_row"),
            has_end("go_live_falls_back_at_an_end"),
        ]

    def __str__(self) -> str:
        """Return the state in one line."""
        live = "enabled" if self.go_live_enabled else "disabled"
        return f"go-live {live}, kill switch {'ENGAGED' if self.kill_switch_engaged else 'released'}"

    def snapshot(self) -> dict[str, Any]:
        """Return the switches."""
        switches = {"go_live_enabled": self.go_live_enabled, "kill_switch_engaged": self.kill_switch_engaged}
        return {**switches, **self.end()}
