"""The deals that the engine has booked."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from governance.money import MinorUnitsField


class Deal(models.Model):
    """An offer that was made, and whether it was signed."""

    title = models.CharField(max_length=200, help_text="What was offered.")
    amount = MinorUnitsField(help_text="The exposure of the offer, in minor units.")
    signed = models.BooleanField(help_text="Whether the other side signed.")
    realized_loss = MinorUnitsField(default=0, help_text="What was lost on it, in minor units.")
    reservation_id = models.BigIntegerField(unique=True, help_text="The risk reservation behind it.")
    recommendation_id = models.BigIntegerField(
        null=True, blank=True, help_text="The recommendation it was made on, if any."
    )
    actor = models.CharField(max_length=150, help_text="Who made it.")
    created_at = models.DateTimeField(help_text="When (UTC).")

    class Meta:
        db_table = "deal"
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(amount__gte=1) & Q(realized_loss__gte=0), name="deal_amounts_in_range")
        ]

    def __str__(self) -> str:
        """Return the title."""
        return self.title
