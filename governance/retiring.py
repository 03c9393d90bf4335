"""Policies are retired, not deleted: their rows are what the history refers to."""

from __future__ import annotations

from typing import Any

from django.db import models

from governance import clock
from governance.rows import Row


class Retirable(Row):
    """A policy that can be retired: it is switched off, is hidden from lists, and can be brought back, switched off."""

    retired_at = models.DateTimeField(
        null=True, blank=True, help_text="When it was retired (UTC); empty: it is in use, or may be."
    )

    class Meta:
        abstract = True

    @property
    def retired(self) -> bool:
        """Say whether it is retired."""
        return self.retired_at is not None

    @retired.setter
    def retired(self, value: bool) -> None:
        if value != self.retired:
            self.retired_at = clock.now() if value else None


def asked(patch: dict[str, Any], switch: str) -> dict[str, Any]:
    """Return ``patch`` with what retiring does to ``switch``: a retired policy is off, and comes back off."""
    return {**patch, switch: False} if patch.get("retired") else patch
