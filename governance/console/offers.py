"""Buttons that lead to a change: each names a registered action, and is a link to its form, which alone acts."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import reverse

from governance import register, roles


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A change that a screen offers for one row.

    ``label`` defaults to the action's. ``patch`` presets some fields (as the schema reads them) and leaves the others
    out, but for those that it ``asks`` for. ``when`` says for which rows it makes sense. ``tone`` is ``danger``,
    ``primary`` or empty.
    """

    action: str
    label: str = ""
    patch: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    asks: Sequence[str] = ()
    when: Callable[[Any], bool] = lambda _row: True
    tone: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Button:
    """An offer for one target, as a template shows it."""

    label: str
    href: str
    tone: str


def may(request: HttpRequest, right: str) -> bool:
    """Say whether the signed-in person has ``right``."""
    return right in roles.rights_of(request.user)


def buttons(request: HttpRequest, offers: Iterable[Offer], target: str, row: Any = None) -> list[Button]:
    """Return the offers that this person may use on ``target``, as buttons that come back to this page."""
    return [
        Button(
            offer.label or spec.label,
            href(offer.action, target, offer.patch, offer.asks, back=request.path),
            offer.tone,
        )
        for offer in offers
        if may(request, (spec := register.action(offer.action)).right) and offer.when(row)
    ]


def href(
    action: str, target: str = "", patch: Mapping[str, Any] | None = None, asks: Sequence[str] = (), *, back: str = ""
) -> str:
    """Return the address of the form of ``action`` on ``target``, with ``patch`` preset; it returns to ``back``.

    Beside what is preset the form ``asks`` for these fields alone.
    """
    address = reverse("admin:act", kwargs={"action": action, **({"target": target} if target else {})})
    query: dict[str, Any] = {"patch": json.dumps(patch), "ask": asks} if patch else {}
    query |= {"next": back} if back else {}
    return f"{address}?{urlencode(query, doseq=True)}" if query else address
