"""The one door: every change that an operator makes is a named action, submitted here.

The API, the console and the commands all call ``submit``. With four eyes on, what loosens a control waits for a
second person; what tightens is applied at once; a patch that does both is divided.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import transaction

from governance import audit, clock, origin, outbox, register
from governance.errors import Invalid
from governance.models import AuditEvent, ChangeRequest
from governance.register import Action, Target


@dataclasses.dataclass(frozen=True, slots=True)
class Applied:
    """The change is made; ``result`` is what the lever's service returned."""

    result: Any


@dataclasses.dataclass(frozen=True, slots=True)
class Pending:
    """``change`` waits for a second person; ``result`` is what its tightening half made at once, if it had one."""

    change: ChangeRequest
    result: Any = None


@dataclasses.dataclass(frozen=True, slots=True)
class Refused:
    """The change is not made. ``unmet`` says that a precondition fails, rather than that two things contradict."""

    code: str
    message: str
    details: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    unmet: bool = False


def created_meanwhile(policy: Any) -> Refused:
    """Return the refusal of a new policy that another created first: this change was not judged against that one."""
    message = f"The policy of {policy} was created by another at the same moment: look at it and try again."
    return Refused("created_meanwhile", message)


Outcome = Applied | Pending | Refused


@dataclasses.dataclass(frozen=True, slots=True)
class Preview:
    """What a change would do: the target as it stands and as it would, as the schema shows it.

    ``changed`` names the fields of the patch that differ from how the target stands, ``loosening`` those that loosen
    a control, ``effects`` says what it means, ``refusal`` why it cannot be.
    """

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    changed: frozenset[str]
    loosening: frozenset[str]
    refusal: Refused | None
    effects: tuple[str, ...]


def submit(*, action: str, target: str, patch: Mapping[str, Any], actor: str, reason: str = "") -> Outcome:
    """Make a change, put it before a second person, or refuse it.

    ``patch`` holds the fields to change, in the units of the action's schema. Raises ``Invalid`` for a malformed
    patch and ``NotFound`` for an unknown action or target.
    """
    spec = register.action(action)
    target = spec.spell(target)
    values = clean(spec, patch)
    if spec.needs_reason and not reason.strip():
        raise Invalid({"reason": ["Say why: this change is recorded with its reason."]})
    with transaction.atomic():
        row = spec.lock(target)
        refusal = spec.refuses(target, values, reason)
        if refusal is not None:
            return _refused(spec, target, actor, reason, values, refusal)
        loosening = _loosening(spec, row, values) if settings.FOUR_EYES else None
        if loosening is None:
            return _apply(spec, target, values, actor, reason)
        return _propose(spec, target, values, loosening, actor, reason)


def standing(*, action: str, target: str) -> dict[str, Any]:
    """Return how the target stands, as the trail shows it. Raises as ``submit`` does."""
    spec = register.action(action)
    with transaction.atomic():
        return audit.canonical(spec.lock(spec.spell(target)).snapshot())


def preview(*, action: str, target: str, patch: Mapping[str, Any], reason: str = "") -> Preview:
    """Return what ``submit`` would do with ``patch`` as things stand; nothing is written and nothing recorded.

    Raises as ``submit`` does, but asks for no reason.
    """
    spec = register.action(action)
    target = spec.spell(target)
    values = clean(spec, patch)
    with transaction.atomic():
        row = spec.lock(target)
        before = audit.canonical(row.snapshot())
        asked = _shown(spec, values)
        changed = {name: value for name, value in values.items() if name not in before or asked[name] != before[name]}
        return Preview(
            before=before,
            after={**before, **asked, **audit.canonical(spec.sets)},
            changed=frozenset(changed),
            loosening=_loosens(spec, row, values),
            refusal=spec.refuses(target, values, reason),
            effects=tuple(spec.effect(row, changed)),
        )


def clean(spec: Action, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of ``patch`` as the action's schema reads them. Raises ``Invalid``, which names the fields."""
    schema = spec.schema(data=dict(patch), partial=spec.divisible)
    unknown = [name for name in patch if name not in schema.fields]
    if unknown:
        known = ", ".join(schema.fields) or "none"
        raise Invalid({name: [f"Is no field of this change: it takes {known}."] for name in unknown})
    if not schema.is_valid():
        raise Invalid({field: [str(said) for said in _flat(told)] for field, told in schema.errors.items()})
    return dict(schema.validated_data)


def _flat(told: Any) -> list[Any]:
    return list(told) if isinstance(told, list) else [told]


def _shown(spec: Action, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return cleaned values as the schema shows them, so that they can be stored, read and cleaned again."""
    fields = spec.schema().fields
    return audit.canonical(
        {name: None if value is None else fields[name].to_representation(value) for name, value in values.items()}
    )


def _loosens(spec: Action, row: Target, values: Mapping[str, Any]) -> frozenset[str]:
    standing = {**row.snapshot(), **{name: getattr(row, name, None) for name in values}}
    return frozenset(spec.loosens(standing, values))


def _loosening(spec: Action, row: Target, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the part of a patch that needs a second person; None where nothing loosens."""
    names = _loosens(spec, row, values)
    if not names:
        return None
    # A name that the patch does not have stands for the whole: nothing of it may pass for its tightening half.
    if not spec.divisible or not names <= values.keys():
        return dict(values)
    return {name: value for name, value in values.items() if name in names}


def promised(change: ChangeRequest) -> dict[str, Any]:
    """Return what the trail keeps of a proposal beside who, what and why: what it would set, and until when."""
    return {"asked": change.patch, "expires_at": change.expires_at.astimezone(dt.UTC).isoformat()}


def _apply(spec: Action, target: str, values: Mapping[str, Any], actor: str, reason: str) -> Applied | Refused:
    result = spec.apply(target=target, patch=values, actor=actor, reason=reason)
    if isinstance(result, Refused):
        return _refused(spec, target, actor, reason, values, result)
    return Applied(result)


def _refused(
    spec: Action, target: str, actor: str, reason: str, values: Mapping[str, Any], refusal: Refused
) -> Refused:
    audit.record(
        action=spec.name,
        target=target,
        actor=actor,
        outcome=AuditEvent.Outcome.REFUSED,
        reason=reason or refusal.message,
        after={"asked": _shown(spec, values), "refused": refusal.code},
    )
    return refusal


def _propose(
    spec: Action, target: str, values: Mapping[str, Any], loosening: Mapping[str, Any], actor: str, reason: str
) -> Pending | Refused:
    if not reason.strip():
        raise Invalid({"reason": ["Say why: this loosens a control, so a second person will be asked to approve it."]})
    rest = {name: value for name, value in values.items() if name not in loosening}
    applied: Applied | Refused | None = _apply(spec, target, rest, actor, reason) if rest else None
    if isinstance(applied, Refused):
        return applied
    asked_at = clock.now()
    change = ChangeRequest.objects.create(
        action=spec.name,
        target=target,
        patch=_shown(spec, loosening),
        before=audit.canonical(spec.lock(target).snapshot()),
        reason=reason,
        requested_by=actor,
        requested_at=asked_at,
        expires_at=asked_at + dt.timedelta(hours=settings.FOUR_EYES_TTL_HOURS),
    )
    with origin.of(change_id=change.pk):
        audit.record(
            action=spec.name,
            target=target,
            actor=actor,
            outcome=AuditEvent.Outcome.PROPOSED,
            reason=reason,
            before=change.before,
            after=promised(change),
        )
    outbox.tell(outbox.CHANGE_PENDING, **outbox.of_change(change), expires_at=change.expires_at)
    return Pending(change, applied.result if applied else None)
