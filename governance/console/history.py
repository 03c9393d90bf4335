"""The history of one row that operators change: who, what, why, before and after, and the way back."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpRequest
from django.urls import reverse

from governance import register, roles
from governance.console import figures
from governance.console.forms import to_come
from governance.console.pages import Page
from governance.errors import NotFound
from governance.fields import EndField
from governance.models import AuditEvent
from governance.register import Action

SHOWN = 50
Outcome = AuditEvent.Outcome


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One row of the trail, with what it changed, and as JSON the patch that takes it back (empty: nothing would)."""

    event: AuditEvent
    label: str
    rows: list[tuple[str, str, str]]
    revert: str


class HistoryPage(Page):
    """The trail of one target, the newest first."""

    right = roles.AUDIT
    template_name = "console/history.html"

    def prepare(self, request: HttpRequest, **kwargs: Any) -> str:
        """Find the action that changes the row."""
        try:
            self.spec = register.action(kwargs["action"])
        except NotFound as wrong:
            raise Http404(str(wrong)) from None
        self.target = kwargs.get("target", "")
        self.title = f"History of {self.target or self.spec.noun}"
        return self.right

    def told(self, request: HttpRequest, **_kwargs: Any) -> dict[str, Any]:
        """Return a page of entries; ``before`` in the address is where the page before ended."""
        specs = {spec.name: spec for spec in register.actions().values() if spec.lock is self.spec.lock}
        events = AuditEvent.objects.filter(action__in=specs, target=self.target).order_by("-pk")
        before = request.GET.get("before", "")
        if before.isascii() and before.isdigit():
            events = events.filter(pk__lt=int(before[:18]))
        found = list(events[: SHOWN + 1])
        return {
            "spec": self.spec,
            "target": self.target,
            "entries": [entry(specs[event.action], event) for event in found[:SHOWN]],
            "older": found[SHOWN - 1].pk if len(found) > SHOWN else None,
            "back": request.path,
        }


def href(action: str, target: str) -> str:
    """Return the address of the history of ``target``."""
    return reverse("admin:history", kwargs={"action": action, **({"target": target} if target else {})})


def entry(spec: Action, event: AuditEvent) -> Entry:
    """Return a row of the trail as a person reads it."""
    fields = spec.schema().fields
    before: Mapping[str, Any] = event.before or {}
    after: Mapping[str, Any] = event.after or {}
    if event.outcome in {Outcome.REFUSED, Outcome.PROPOSED} and "asked" in after:
        after = after["asked"]
    changed = [name for name, value in after.items() if name not in before or before[name] != value]
    undo = {name: before[name] for name in changed if name in fields and name in before}
    undo |= {name: to_come(end) for name, end in undo.items() if isinstance(fields[name], EndField)}
    return Entry(
        event,
        spec.label,
        [
            (
                figures.label(name, fields.get(name)),
                figures.shown(before[name], fields.get(name)) if name in before else "",
                figures.shown(after[name], fields.get(name)),
            )
            for name in changed
        ],
        json.dumps(undo) if undo and event.outcome == Outcome.APPLIED else "",
    )
