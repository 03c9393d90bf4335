"""What becomes of a change that waits for a second person: approved, forced, rejected, withdrawn, or out of time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db import transaction

from governance import audit, changes, clock, grants, origin, outbox, register, roles
from governance.changes import Applied, Refused, promised
from governance.errors import Invalid, NotFound
from governance.models import AuditEvent, ChangeRequest
from governance.register import Action

STALE = "stale"
EXPIRY = "expiry"
ATTEMPTED = "refused"

_TRAIL = {
    ChangeRequest.Status.APPLIED: AuditEvent.Outcome.APPROVED,
    ChangeRequest.Status.FORCED: AuditEvent.Outcome.BROKE_GLASS,
    ChangeRequest.Status.REJECTED: AuditEvent.Outcome.REJECTED,
    ChangeRequest.Status.WITHDRAWN: AuditEvent.Outcome.WITHDRAWN,
    ChangeRequest.Status.STALE: AuditEvent.Outcome.STALE,
    ChangeRequest.Status.EXPIRED: AuditEvent.Outcome.EXPIRED,
    ChangeRequest.Status.REFUSED: AuditEvent.Outcome.REFUSED,
}


def approve(*, change_id: int, actor: str, reason: str = "") -> Applied | Refused:
    """Apply a pending change exactly as proposed, in one transaction that locks the request and its target.

    Refused where it is not pending any more, where ``actor`` proposed it or is no approver, where its time is over,
    where it was edited, and where its target has changed since (``details`` shows both).
    """
    with transaction.atomic():
        change = _locked(change_id)
        refusal = _unappliable(change, actor)
        if refusal is not None:
            return refusal
        if change.requested_by == actor:
            return _attempt(change, actor, "own_change", "Nobody approves a change of their own: ask a second person.")
        if not roles.holds(actor, roles.APPROVE):
            return _attempt(change, actor, "no_approver", f"{actor} is no account with the right to approve.")
        return _finish(change, actor, reason, ChangeRequest.Status.APPLIED)


def break_glass(*, change_id: int, actor: str, reason: str) -> Applied | Refused:
    """Apply a pending change alone, in an emergency: one's own too. It needs its own right and a reason, and shouts.

    It stays on every page of the console and in the review until another person has looked at it
    (``look_at_broken_glass``).
    """
    if not reason.strip():
        raise Invalid({"reason": ["Say why: whoever breaks the glass answers for it."]})
    with transaction.atomic():
        change = _locked(change_id)
        refusal = _unappliable(change, actor)
        if refusal is not None:
            return refusal
        if not roles.holds(actor, roles.BREAK_GLASS):
            return _attempt(change, actor, "no_right", f"{actor} is no account with the right to break the glass.")
        outcome = _finish(change, actor, reason, ChangeRequest.Status.FORCED)
        if isinstance(outcome, Applied):
            outbox.tell(outbox.GLASS_BROKEN, **{**outbox.of_change(change), "reason": reason}, actor=actor)
        return outcome


def look_at_broken_glass(*, change_id: int, actor: str, reason: str = "") -> ChangeRequest | Refused:
    """Say that another person has looked at a change that was applied by breaking the glass."""
    with transaction.atomic():
        change = _locked(change_id)
        if change.status != ChangeRequest.Status.FORCED or change.looked_at is not None:
            return Refused("not_open", f"Change request {change.pk} is no broken glass that waits for a look.")
        if actor in {change.requested_by, change.decided_by}:
            return _attempt(change, actor, "own_change", "Who broke the glass cannot be the one who looks at it.")
        change.looked_at, change.looked_at_by = clock.now(), actor
        change.save(update_fields=["looked_at", "looked_at_by"])
        _record(change, actor, AuditEvent.Outcome.LOOKED_AT, reason)
        return change


def reject(*, change_id: int, actor: str, reason: str = "") -> ChangeRequest | Refused:
    """End a pending change without applying it."""
    return _end(change_id, actor, reason, ChangeRequest.Status.REJECTED, lambda _change: None)


def withdraw(*, change_id: int, actor: str, reason: str = "") -> ChangeRequest | Refused:
    """Take back a pending change; only who proposed it can."""

    def not_theirs(change: ChangeRequest) -> Refused | None:
        if change.requested_by == actor:
            return None
        said = f"{change.requested_by} proposed this change and alone can withdraw it: reject it."
        return _attempt(change, actor, "not_yours", said)

    return _end(change_id, actor, reason, ChangeRequest.Status.WITHDRAWN, not_theirs)


def _locked(change_id: int) -> ChangeRequest:
    change = ChangeRequest.objects.select_for_update().filter(pk=change_id).first()
    if change is None:
        raise NotFound(f"There is no change request {change_id}.")
    return change


def _unappliable(change: ChangeRequest, actor: str) -> Refused | None:
    """Return why a change can be applied by nobody; what was edited dies here, whichever way it was edited."""
    if change.status == ChangeRequest.Status.PENDING and _was_edited(change):
        refusal = Refused("edited", "The request is not the one that was proposed: propose it anew.")
        _decide(change, ChangeRequest.Status.REFUSED, actor, refusal.message)
        return refusal
    return _undecidable(change)


def _undecidable(change: ChangeRequest) -> Refused | None:
    if change.status != ChangeRequest.Status.PENDING:
        return Refused("not_pending", f"Change request {change.pk} is {change.get_status_display()} already.")
    if change.expires_at <= clock.now():
        _decide(change, ChangeRequest.Status.EXPIRED, EXPIRY, "Nobody decided in time.")
        return Refused("expired", f"Change request {change.pk} was not decided in time: propose it anew.")
    return None


def _finish(change: ChangeRequest, actor: str, reason: str, status: str) -> Applied | Refused:
    """Apply a change that may be applied, and decide it by what came of it."""
    try:
        with transaction.atomic(), origin.of(change_id=change.pk, on_behalf_of=change.requested_by):
            outcome = _carried_out(change, actor)
    except (Invalid, NotFound) as wrong:
        outcome = Refused("inapplicable", f"It cannot be applied any more: {wrong}")
    if isinstance(outcome, Applied):
        _decide(change, status, actor, reason)
    else:
        failed = ChangeRequest.Status.STALE if outcome.code == STALE else ChangeRequest.Status.REFUSED
        _decide(change, failed, actor, outcome.message)
    return outcome


def _carried_out(change: ChangeRequest, actor: str) -> Applied | Refused:
    """Apply a proposed change under the lock of its target, or return what keeps it from being applied."""
    spec = register.action(change.action)
    standing = audit.canonical(spec.lock(change.target).snapshot())
    since = _changed_since(change, spec)
    if since is not None or standing != change.before:
        message = "The target changed after this was proposed: look at both and propose it anew."
        by = {"at": since.at, "actor": since.actor, "action": since.action, "reason": since.reason} if since else None
        return Refused(STALE, message, {"proposed_against": change.before, "standing": standing, "changed": by})
    values = changes.clean(spec, change.patch)
    refusal = spec.refuses(change.target, values, change.reason)
    if refusal is not None:
        return refusal
    with grants.given():
        result = spec.apply(target=change.target, patch=values, actor=actor, reason=change.reason)
    return result if isinstance(result, Refused) else Applied(result)


def _was_edited(change: ChangeRequest) -> bool:
    """Say whether a waiting request differs from what the trail, which nobody edits, says was proposed, or had ended.

    Everything that its decision goes by stands in the trail: also until when, and that nobody has ended it yet.
    """
    told = AuditEvent.objects.filter(change_request=change)
    proposed = told.filter(outcome=AuditEvent.Outcome.PROPOSED).first()
    stands = (change.action, change.target, promised(change), change.before, change.reason, change.requested_by)
    if proposed is None or stands != (
        proposed.action, proposed.target, proposed.after, proposed.before, proposed.reason, proposed.actor,
    ):  # fmt: skip
        return True
    return told.filter(outcome__in=_TRAIL.values()).exclude(after__has_key=ATTEMPTED).exists()


def _changed_since(change: ChangeRequest, spec: Action) -> AuditEvent | None:
    """Return the newest change of the target since the proposal, also one that left it as it was or was undone.

    A kill switch that was engaged again is not the one whose release was proposed, though its row reads the same.
    """
    of_the_same_row = [other.name for other in register.actions().values() if other.lock is spec.lock]
    proposed = AuditEvent.objects.filter(change_request=change, outcome=AuditEvent.Outcome.PROPOSED)
    return AuditEvent.objects.filter(
        action__in=of_the_same_row,
        target=change.target,
        outcome=AuditEvent.Outcome.APPLIED,
        pk__gt=proposed.values("pk")[:1],
    ).first()


def _end(
    change_id: int, actor: str, reason: str, status: str, objection: Callable[[ChangeRequest], Refused | None]
) -> ChangeRequest | Refused:
    with transaction.atomic():
        change = _locked(change_id)
        refusal = _undecidable(change) or objection(change)
        if refusal is not None:
            return refusal
        _decide(change, status, actor, reason)
        return change


def _decide(change: ChangeRequest, status: str, actor: str, reason: str) -> None:
    change.status, change.decided_by, change.decided_at, change.decision_reason = status, actor, clock.now(), reason
    change.save(update_fields=["status", "decided_by", "decided_at", "decision_reason"])
    _record(change, actor, _TRAIL[ChangeRequest.Status(status)], reason)


def _attempt(change: ChangeRequest, actor: str, code: str, message: str) -> Refused:
    """Refuse who may not decide, and record it; the change goes on waiting."""
    _record(change, actor, AuditEvent.Outcome.REFUSED, message, {"asked": change.patch, ATTEMPTED: code})
    return Refused(code, message)


def _record(
    change: ChangeRequest, actor: str, outcome: str, reason: str, after: Mapping[str, Any] | None = None
) -> None:
    with origin.of(change_id=change.pk):
        audit.record(
            action=change.action,
            target=change.target,
            actor=actor,
            outcome=outcome,
            reason=reason,
            before=change.before,
            after=after or change.patch,
        )
