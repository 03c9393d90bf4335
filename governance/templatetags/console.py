"""What the console's templates say: figures as a person reads them, and buttons that a person may use."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django import template
from django.utils.text import slugify

from governance import money as currency
from governance.console import figures, offers
from governance.models import ReviewDecision
from governance.register import action as registered

register = template.Library()


@register.filter
def moment(at: dt.datetime | None) -> str:
    """Return a time in UTC with its age."""
    return figures.moment(at)


@register.filter
def age(at: dt.datetime | None) -> str:
    """Return how long ago a time was; never, where there is none."""
    return figures.age(at) if at else "never"


@register.filter
def money(minor: int | None) -> str:
    """Return minor units as money with its currency."""
    return "-" if minor is None else currency.spoken(minor)


@register.filter
def words(code: str) -> str:
    """Return a machine's reason as words."""
    return code.replace("_", " ")


@register.filter
def verdict_tone(verdict: str) -> str:
    """Return the tone of what a review found."""
    if verdict == ReviewDecision.Verdict.HEALTHY:
        return "good"
    return "warn" if verdict == ReviewDecision.Verdict.WATCH else "bad"


@register.filter
def tone_of(action: str) -> str:
    """Return the tone of an action's button: what stops something at once looks like it."""
    return "danger" if registered(action).urgent else ""


@register.inclusion_tag("console/button.html", takes_context=True)
def act(
    context: dict[str, Any],
    action: str,
    target: Any = "",
    label: str = "",
    tone: str = "",
    patch: str = "",
    size: str = "",
    ask: str = "",
) -> dict[str, Any]:
    """Return the button that leads to the form of ``action`` on ``target``; nothing for a person who may not use it.

    ``patch`` presets fields, as JSON; the form asks for the field ``ask`` beside them.
    """
    spec = registered(action)
    request = context["request"]
    if not offers.may(request, spec.right):
        return {}
    back = context.get("back") or request.path
    return {
        "label": label or spec.label,
        "href": offers.href(action, str(target), json.loads(patch) if patch else None, [ask] if ask else (), back=back),
        "tone": tone,
        "size": size,
        # With a name of its own the button keeps the focus when the page refreshes itself.
        "id": slugify(f"act {action} {target} {label}".replace(".", "-").replace("/", "-")),
        "of": str(target),
    }
