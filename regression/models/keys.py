"""The keys under which batches of events were recorded."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from governance.idempotency import MAX_KEY


class KpiBatch(models.Model):
    """A batch that was recorded under a key of its caller's: the same key again is the same events."""

    at = models.DateTimeField(help_text="When it was recorded (UTC).")
    actor = models.CharField(max_length=150, help_text="Who recorded it; the key is theirs.")
    idempotency_key = models.CharField(max_length=MAX_KEY, help_text="The caller's key.")
    body_digest = models.CharField(max_length=64, help_text="SHA-256 of the events, to tell a retry from a misuse.")
    event_ids = models.JSONField(help_text="The ids of its events, each in its place.")

    class Meta:
        db_table = "kpi_batch"
        verbose_name = "KPI batch"
        verbose_name_plural = "KPI batches"
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["actor", "idempotency_key"], name="kpi_batch_key_once"),
            models.CheckConstraint(condition=~Q(idempotency_key=""), name="kpi_batch_has_a_key"),
        ]
        indexes: ClassVar = [models.Index(fields=["at"], name="kpi_batch_by_time")]

    def __str__(self) -> str:
        """Return the batch in one line."""
        return f"{self.actor} {self.idempotency_key}"
