"""What a change of a rule or of a delivery means, in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from governance import clock, outbox
from notices import rules
from notices.models import NoticeDelivery, NoticeRule
from notices.selectors import Standing

# Longer than the first tries of a receiver that is being restarted.
LATE = dt.timedelta(minutes=10)


def setting(rule: NoticeRule, patch: Mapping[str, Any]) -> list[str]:
    """Say what a rule will tell of."""
    shown = {field: patch.get(field, getattr(rule, field)) for field in ("kinds", "engines", "enabled")}
    if not shown["enabled"]:
        return ["Nothing is sent by it. What happens meanwhile is not told later."]
    kinds = "everything that happens" if rules.ALL in shown["kinds"] else ", ".join(shown["kinds"])
    if rules.ALL in shown["kinds"] and "heartbeat" in shown["kinds"]:
        kinds = "everything that happens, and a heartbeat"
    engines = "every engine" if rules.ALL in shown["engines"] else ", ".join(shown["engines"])
    return [f"It tells of {kinds}, of {engines} and of what concerns no single one."]


def testing(rule: NoticeRule, _patch: Mapping[str, Any]) -> list[str]:
    """Say where a test goes."""
    return [f"A notice of the kind test goes to {rules.host_of(rule.channel, rule.address)} within seconds."]


def drawing(_rule: NoticeRule, _patch: Mapping[str, Any]) -> list[str]:
    """Say what a new secret does."""
    return [
        "The secret before signs too for 24 hours, and then no more.",
        "No page shows the new one: `manage.py notices secret RULE` draws it and prints it once.",
    ]


def reviving(_rule: NoticeRule, _patch: Mapping[str, Any]) -> list[str]:
    """Say what trying everything again does."""
    return ["Every dead letter of the rule is due at once, and is tried as often as a new one."]


def retrying(delivery: NoticeDelivery, _patch: Mapping[str, Any]) -> list[str]:
    """Say what is tried again."""
    _title, said = outbox.spoken(delivery.notice)
    return [f"{delivery.rule} is told: {said}", f"The last try failed: {delivery.error}"]


def late(standing: Standing) -> list[str]:
    """Say what of the outbox needs a person."""
    said = []
    if standing.dead:
        said.append(f"{standing.dead} notice(s) were given up: mend the receiver, and try them again")
    if standing.oldest and clock.database_now() - standing.oldest > LATE:
        said.append(f"{standing.waiting} notice(s) wait, the oldest since {standing.oldest:%Y-%m-%d %H:%M} UTC")
    return said
