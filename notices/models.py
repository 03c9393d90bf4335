"""The rules by which people are told, and every delivery of a notice to one of them."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q

from governance.happenings import Notice
from notices import rules


class NoticeRule(models.Model):
    """Who is told of what, and how."""

    class Channel(models.TextChoices):
        """How."""

        WEBHOOK = rules.WEBHOOK, "webhook"
        MAIL = rules.MAIL, "mail"

    name = models.CharField(max_length=64, unique=True, help_text="The rule.")
    channel = models.CharField(
        max_length=8, choices=Channel.choices, default=Channel.WEBHOOK, help_text="A signed webhook, or mail."
    )
    address = models.CharField(max_length=500, help_text="Where to: an https address, or mail addresses.")
    kinds = models.JSONField(help_text="The kinds that it is told of; * is every one but heartbeat.")
    engines = models.JSONField(help_text="The engines whose notices it is told of; * is every one.")
    enabled = models.BooleanField(default=True, help_text="Whether anything is sent.")
    salt = models.CharField(
        max_length=64, help_text="Of this and of the site's SECRET_KEY the secret is made that signs its webhooks."
    )
    former_salt = models.CharField(max_length=64, blank=True, help_text="The salt before, which signs too for a day.")
    drawn_at = models.DateTimeField(help_text="When the secret was drawn (UTC).")
    changed_by = models.CharField(max_length=150, blank=True, help_text="Who changed it last.")
    reason = models.TextField(blank=True, help_text="Why.")
    created_at = models.DateTimeField(help_text="When it was made (UTC).")
    updated_at = models.DateTimeField(help_text="When it was changed last (UTC).")

    class Meta:
        db_table = "notice_rule"
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(channel__in=[rules.WEBHOOK, rules.MAIL]), name="notice_rule_channel"),
            models.CheckConstraint(condition=~Q(address=""), name="notice_rule_has_address"),
        ]

    def __str__(self) -> str:
        """Return its name."""
        return self.name

    def snapshot(self) -> dict[str, Any]:
        """Return its controls as they are set."""
        listed = {"kinds": ", ".join(self.kinds), "engines": ", ".join(self.engines)}
        return {"channel": self.channel, "address": self.address, **listed, "enabled": self.enabled}

    def wants(self, kind: str, engine: str) -> bool:
        """Say whether it is told of ``kind`` of ``engine``."""
        return rules.wants(self.kinds, self.engines, kind=kind, engine=engine)


class NoticeDeliveryQuerySet(models.QuerySet["NoticeDelivery"]):
    """Questions about deliveries."""

    def waiting(self) -> NoticeDeliveryQuerySet:
        """Return those that are still to be made: what a disabled rule was to be told waits and does not count."""
        return self.filter(Q(rule__enabled=True) | Q(asked_for=True), status=NoticeDelivery.Status.WAITING)

    def due(self, now: dt.datetime) -> NoticeDeliveryQuerySet:
        """Return those whose time has come and that nobody is at, the longest due first."""
        return self.waiting().filter(due_at__lte=now).order_by("due_at", "pk")

    def dead(self) -> NoticeDeliveryQuerySet:
        """Return those that were given up."""
        return self.filter(status=NoticeDelivery.Status.DEAD)


class NoticeDelivery(models.Model):
    """One notice on its way to one rule's address."""

    class Status(models.TextChoices):
        """How it stands."""

        WAITING = "WAITING", "waiting"
        DELIVERED = "DELIVERED", "delivered"
        DEAD = "DEAD", "dead letter"
        SUPERSEDED = "SUPERSEDED", "superseded by a newer heartbeat"

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, help_text="What is told.")
    rule = models.ForeignKey(NoticeRule, on_delete=models.PROTECT, help_text="To whom.")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING, help_text="How it stands.")
    tries = models.PositiveSmallIntegerField(default=0, help_text="How often it was tried since it was last put in.")
    due_at = models.DateTimeField(help_text="When to try next (UTC); while somebody is at it, when another may.")
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it was delivered or given up (UTC).")
    error = models.CharField(max_length=300, blank=True, help_text="Why the last try failed.")
    asked_for = models.BooleanField(default=False, help_text="A person tests the rule: sent even where it is disabled.")

    objects = NoticeDeliveryQuerySet.as_manager()

    class Meta:
        db_table = "notice_delivery"
        verbose_name_plural = "notice deliveries"
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["notice", "rule"], name="notice_delivery_once"),
            models.CheckConstraint(
                condition=Q(status="WAITING", ended_at__isnull=True)
                | (~Q(status="WAITING") & Q(ended_at__isnull=False)),
                name="notice_delivery_ended_has_time",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at", "id"], condition=Q(status="WAITING"), name="notice_delivery_due"),
            models.Index(fields=["rule", "id"], condition=Q(status="DEAD"), name="notice_delivery_dead"),
            models.Index(fields=["rule", "-ended_at"], condition=Q(status="DELIVERED"), name="notice_delivery_last"),
        ]

    def __str__(self) -> str:
        """Return its number, by which it is tried again."""
        return str(self.pk)

    def snapshot(self) -> dict[str, Any]:
        """Return how it stands."""
        return {"status": self.status}
