"""The table of the outbox."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q


class Notice(models.Model):
    """Something that happened, for people to be told of; written in the transaction in which it happened."""

    uid = models.UUIDField(default=uuid.uuid4, unique=True, help_text="Its id to whoever receives it, in every try.")
    at = models.DateTimeField(help_text="When (UTC).")
    kind = models.CharField(max_length=64, help_text="What happened, such as kill_switch.engaged.")
    engine = models.CharField(max_length=64, blank=True, help_text="The engine that it concerns; empty: everything.")
    data = models.JSONField(encoder=DjangoJSONEncoder, help_text="The fields of its kind.")
    once = models.CharField(max_length=160, blank=True, help_text="Of several with the same text the first is told.")
    routed_at = models.DateTimeField(null=True, blank=True, help_text="When the rules were asked whom to tell (UTC).")

    class Meta:
        db_table = "notice"
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["once"], condition=~Q(once=""), name="notice_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=Q(routed_at__isnull=True), name="notice_unrouted"),
        ]

    def __str__(self) -> str:
        """Return the notice in one line."""
        return f"{self.kind} {self.engine}".rstrip()
