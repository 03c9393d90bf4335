"""Operator screens of rules and deliveries; dead letters are those of the status "dead letter"."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html

from governance import outbox, roles
from governance.console import columns
from governance.console.columns import BAD, GOOD, WARN
from governance.console.offers import Offer, href, may
from governance.console.screens import Screen
from notices import rules
from notices.models import NoticeDelivery, NoticeRule

Status, Channel = NoticeDelivery.Status, NoticeRule.Channel
TONES: dict[str, str] = {Status.WAITING: WARN, Status.DELIVERED: GOOD, Status.DEAD: BAD}


@admin.register(NoticeRule)
class NoticeRuleScreen(Screen):
    """Who is told."""

    empty = "Nobody is told of anything: create a rule, with a webhook or a mail address."
    list_offers = (Offer(action=rules.SET, label="New rule", tone="primary"),)
    offers = (
        Offer(action=rules.SET, label="Change", tone="primary"),
        Offer(action=rules.TEST, label="Send a test"),
        Offer(
            action=rules.RETRY_ALL,
            label="Retry dead letters",
            when=lambda rule: NoticeDelivery.objects.dead().filter(rule=rule).exists(),
        ),
        Offer(
            action=rules.SET, label="Disable", patch={"enabled": False}, when=lambda rule: rule.enabled, tone="danger"
        ),
        Offer(action=rules.SET, label="Enable", patch={"enabled": True}, when=lambda rule: not rule.enabled),
    )
    fields = (
        "name", "channel", "address", "kinds", "engines", "enabled", "drawn_at", "changed_by", "reason", "created_at",
        "updated_at",
    )  # fmt: skip
    list_display = (
        "name",
        columns.word("enabled", "Rule", {True: ("enabled", GOOD), False: ("disabled", WARN)}),
        columns.choice("channel", "By", Channel, {}),
        "host", "kinds", "engines", "updated_at",
    )  # fmt: skip
    list_filter = ("enabled", "channel")
    search_fields = ("name", "address")

    @admin.display(description="to")
    def host(self, rule: NoticeRule) -> str:
        """Return the host or the mail address."""
        return rules.host_of(rule.channel, rule.address)


@admin.register(NoticeDelivery)
class NoticeDeliveryScreen(Screen):
    """Deliveries, dead letters among them."""

    empty = "Deliveries follow from notices and rules: create a rule first."
    offers = (
        Offer(action=rules.RETRY, label="Retry", when=lambda delivery: delivery.status == Status.DEAD, tone="primary"),
    )
    fields = ("notice", "told", "rule", "status", "tries", "due_at", "ended_at", "error")
    list_display = (
        "id", "notice", "rule", columns.choice("status", "Status", Status, TONES), "tries", "error", "due_at",
        "ended_at", "again",
    )  # fmt: skip
    list_filter = ("status", "rule")
    list_select_related = ("notice", "rule")
    search_fields = ("notice__kind", "notice__engine", "rule__name", "error")

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Return the columns; the button for whom may use it."""
        columns = super().get_list_display(request)
        return columns if may(request, roles.OPERATE) else columns[:-1]

    @admin.display(description="says")
    def told(self, delivery: NoticeDelivery) -> str:
        """Return what it says to people."""
        return outbox.spoken(delivery.notice)[1]

    @admin.display(description="")
    def again(self, delivery: Any) -> str:
        """Return the button that tries a dead letter again."""
        if delivery.status != Status.DEAD:
            return ""
        return format_html('<a class="vh-button" href="{}">Retry</a>', href(rules.RETRY, str(delivery.pk)))
