"""The page of one change that waits, or waited, for a second person: what it would do, and the decision."""

from __future__ import annotations

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

_DECISIONS = {
    "approve": (approvals.approve, roles.APPROVE, "Approve and apply", "primary", "approved and applied"),
    "reject": (approvals.reject, roles.APPROVE, "Reject", "danger", "rejected"),
    "withdraw": (approvals.withdraw, "", "Withdraw", "", "withdrawn"),
}
MAX_REASON = 2_000


class DecidePage(Page):
    """A change request with its diff; a POST approves, rejects or withdraws it."""

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
        return {
            "change": change,
            "label": spec.label if spec else change.action,
            "rows": rows(spec, change),
            "waits": waits,
            "moved": standing is not None and standing != change.before,
            "decisions": [Button(told[2], name, told[3]) for name, told in self._open_to(request)] if waits else [],
            "own": change.requested_by == request.user.get_username(),
            "back": reverse("admin:governance_changerequest_changelist"),
        }

    def post(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Take the decision that the pressed button names."""
        offered = dict(self._open_to(request))
        pressed, reason = request.POST.get("decision", ""), request.POST.get("reason", "").strip()
        if pressed not in offered:
            return self._again(request, "You may not take this decision: ask a person with the right for it.")
        if pressed == "reject" and not reason:
            return self._again(request, "Say why it is rejected: who proposed it will read it.")
        if len(reason) > MAX_REASON:
            return self._again(request, f"The reason is longer than {MAX_REASON} characters.")
        decide, _right, _label, _tone, done = offered[pressed]
        outcome = decide(change_id=self.change.pk, actor=request.user.get_username(), reason=reason)
        if isinstance(outcome, Refused):
            self.change.refresh_from_db()
            return self._again(request, f"Refused: {outcome.message}")
        messages.success(request, f"{self.change} is {done}.")
        return HttpResponseRedirect(reverse("admin:index"))

    def _open_to(self, request: HttpRequest) -> list[tuple[str, Any]]:
        """Return the decisions that this person may take: one's own change can be withdrawn, another's decided."""
        own = self.change.requested_by == request.user.get_username()
        return [
            (name, told)
            for name, told in _DECISIONS.items()
            if (own if name == "withdraw" else not own and may(request, told[1]))
        ]

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


def _standing(change: ChangeRequest) -> dict[str, Any] | None:
    try:
        return changes.standing(action=change.action, target=change.target)
    except (Invalid, NotFound):
        return None
