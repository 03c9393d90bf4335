"""The door as its tests go through it: a change proposed by jo, approved by pat."""

from __future__ import annotations

from typing import Any

from governance import approvals, changes
from governance.changes import Applied, Pending, Refused
from governance.models import AuditEvent, ChangeRequest
from tests.approvers import approver
from tests.governance.toys import TURN


def submit(patch: dict[str, Any], action: str = TURN, **more: Any) -> changes.Outcome:
    return changes.submit(**{"action": action, "target": "a", "patch": patch, "actor": "jo", "reason": "why", **more})


def proposed(patch: dict[str, Any], action: str = TURN, **more: Any) -> ChangeRequest:
    outcome = submit(patch, action, **more)
    assert isinstance(outcome, Pending)
    return outcome.change


def approve(change: ChangeRequest, actor: str = "pat") -> Applied | Refused:
    approver(actor)
    return approvals.approve(change_id=change.pk, actor=actor, reason="seen")


def refused(outcome: Any, code: str) -> Refused:
    assert isinstance(outcome, Refused), outcome
    assert outcome.code == code
    assert outcome.message
    return outcome


def status(change: ChangeRequest) -> str:
    change.refresh_from_db()
    return change.status


def trail() -> list[tuple[str, str]]:
    return list(AuditEvent.objects.order_by("pk").values_list("outcome", "actor"))
