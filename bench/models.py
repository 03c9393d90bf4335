"""The row that the bare view inserts."""

from __future__ import annotations

from django.db import models


class Row(models.Model):
    """As much as a caller sends with a reservation."""

    engine = models.CharField(max_length=64)
    amount = models.BigIntegerField()
    actor = models.CharField(max_length=150)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "bench_row"

    def __str__(self) -> str:
        """Return the row in one line."""
        return f"{self.engine} {self.amount}"
