"""The page of one change that waits, or waited, for a second person: what it would do, and the decision."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from governance import approvals, changes, clock, register, roles
from governance.changes import Refused
from governance.console import figures
from governance.console.offers import Button, may
from governance.console.pages import Page
from governance.errors import Invalid, NotFound
from governance.models import ChangeRequest
from governance.register import Action


@dataclasses.dataclass(frozen=True, slots=True)
class Decision:
    """What a person may do with a change: how it is carried out, its button, what is said of it then.

    ``why`` is what a person without a reason is told; empty where it needs none.
    """

    carry_out: Callable[..., Any]
    label: str
    tone: str
    done: str
    why: str = ""


_DECISIONS = {
    "approve": Decision(approvals.approve, "Approve and apply", "primary", "approved and applied"),
    "reject": Decision(
        approvals.reject, "Reject", "danger", "rejected", "Say why it is rejected: who proposed it will read it."
    ),
    "withdraw": Decision(approvals.withdraw, "Withdraw", "", "withdrawn"),
    "break_glass": Decision(
        approvals.break_glass, "Break the glass", "danger", "applied by breaking the glass",
        "Say why: whoever breaks the glass answers for it.",
    ),
    "look": Decision(approvals.look_at_broken_glass, "I have looked at it", "primary", "looked at"),
}  # fmt: skip
MAX_REASON = 2_000


class DecidePage(Page):
    """A change request with its diff; a POST decides it, or says that a broken glass was looked at."""

    template_name = "console/decide.html"

    def prepare(self, request: HttpRequest, **kwargs: Any) -> str:
        """Find the change."""
        change = ChangeRequest.objects.filter(pk=kwargs["pk"]).first()
        if change is None:
            raise Http404(f"There is no change request {kwargs['pk']}.")
        self.change = change
        self.title = f"Change request {change.pk}"
        return self.right

    def told(self, request: HttpRequest, **_kwargs: Any) -> dict[str, Any]:
        """Return the change as a person reads it, and the decisions that this person may take."""
        change = self.change
        try:
            spec: Action | None = register.action(change.action)
        except NotFound:
            spec = None
        waits = change.status == ChangeRequest.Status.PENDING and change.expires_at > clock.now()
        standing = _standing(change) if waits and spec else None
        broken = _is_broken(change)
        offered = self._open_to(request) if waits or broken else {}
        return {
            "change": change,
            "label": spec.label if spec else change.action,
            "rows": rows(spec, change),
            "waits": waits,
            "moved": standing is not None and standing != change.before,
            "decisions": [Button(decision.label, name, decision.tone) for name, decision in offered.items()],
            "broken": broken,
            "glass": "break_glass" in offered,
            "own": change.requested_by == request.user.get_username(),
            "back": reverse("admin:governance_changerequest_changelist"),
        }

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Take the decision that the pressed button names."""
        offered = self._open_to(request)
        pressed, reason = request.POST.get("decision", ""), request.POST.get("reason", "").strip()
        if pressed not in offered:
            return self._again(request, "You may not take this decision: ask a person with the right for it.")
        decision = offered[pressed]
        if decision.why and not reason:
            return self._again(request, decision.why)
        if len(reason) > MAX_REASON:
            return self._again(request, f"The reason is longer than {MAX_REASON} characters.")
        outcome = decision.carry_out(change_id=self.change.pk, actor=request.user.get_username(), reason=reason)
        if isinstance(outcome, Refused):
            self.change.refresh_from_db()
            return self._again(request, f"Refused: {outcome.message}")
        messages.success(request, f"{self.change} is {decision.done}.")
        return HttpResponseRedirect(reverse("admin:index"))

    def _open_to(self, request: HttpRequest) -> dict[str, Decision]:
        """Return the decisions that this person may take: one's own change can be withdrawn, another's decided.

        The glass is for who may not approve, of a change of one's own too; another person looks at it.
        """
        change, name = self.change, request.user.get_username()
        own, approves = change.requested_by == name, may(request, roles.APPROVE)
        waits = change.status == ChangeRequest.Status.PENDING
        is_open = {
            "approve": waits and approves and not own,
            "reject": waits and approves and not own,
            "withdraw": waits and own,
            "break_glass": waits and may(request, roles.BREAK_GLASS) and (own or not approves),
            "look": _is_broken(change) and approves and name not in {change.requested_by, change.decided_by},
        }
        return {name: decision for name, decision in _DECISIONS.items() if is_open[name]}

    def _again(self, request: HttpRequest, error: str) -> HttpResponse:
        told = {**self.context(request), **self.told(request), "error": error, "reason": request.POST.get("reason", "")}
        return render(request, self.template_name, told)


def rows(spec: Action | None, change: ChangeRequest) -> list[tuple[str, str, str]]:
    """Return the controls that a change sets: label, before and after, as a person reads them."""
    fields = spec.schema().fields if spec else {}
    before = change.before or {}
    after = {**change.patch, **(spec.sets if spec else {})}
    return [
        (
            figures.label(name, fields.get(name)),
            figures.shown(before.get(name), fields.get(name)),
            figures.shown(value, fields.get(name)),
        )
        for name, value in after.items()
        if name in before or name in change.patch
    ]


def _is_broken(change: ChangeRequest) -> bool:
    return change.status == ChangeRequest.Status.FORCED and change.looked_at is None


def _standing(change: ChangeRequest) -> dict[str, Any] | None:
    try:
        return changes.standing(action=change.action, target=change.target)
    except (Invalid, NotFound):
        return None
