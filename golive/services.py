"""The only writes of the switches. Each changes state, hold and epoch in one transaction and records itself."""

from __future__ import annotations

from django.db import transaction

from golive import rules, telling
from golive.models import GoLiveState
from golive.selectors import MISSING
from governance import audit, clock, epoch, grants, holds, readiness
from governance.changes import Refused
from governance.errors import Unavailable
from governance.models import Hold

SOURCE = "golive"


def locked() -> GoLiveState:
    """Return the switches, locked. Reservations never take this lock, so a kill never queues behind them."""
    row = GoLiveState.objects.select_for_update().filter(pk=1).first()
    if row is None:
        raise Unavailable(MISSING)
    return row


def why_not_enabled(*, override: bool, reason: str) -> Refused | None:
    """Return why production cannot be enabled: the failing checklist, or an override without a reason."""
    if override and reason.strip():
        return None
    checklist = readiness.checklist()
    if override:
        return Refused("reason_required", "An override needs a reason.", {"checklist": checklist}, unmet=True)
    if checklist["ok"]:
        return None
    failing = ", ".join(name for name, line in checklist["required"].items() if not line["ok"])
    message = f"The checklist does not pass: {failing}. Mend it, or send override: true with a reason."
    return Refused(rules.CHECKLIST_FAILED, message, {"checklist": checklist}, unmet=True)


def why_not_released() -> Refused | None:
    """Return why the kill switch cannot be released: a tripwire that pulled it and has not been re-armed."""
    pin = holds.pinning(rules.KILL_SWITCH_PIN)
    if pin is None:
        return None
    return Refused("pinned", f"The kill switch stays engaged: {pin.reason} ({pin.key}). Re-arm the tripwire first.")


@transaction.atomic
def enable(*, actor: str, reason: str = "", override: bool = False) -> GoLiveState | Refused:
    """Let production run. Refused, with the checklist, unless it passes or an override comes with a reason."""
    row = locked()
    refusal = why_not_enabled(override=override, reason=reason)
    if refusal is not None:
        return refusal
    grants.demand({"go_live_enabled"})
    holds.lift(scope=holds.EVERYTHING, source=SOURCE, code=rules.GO_LIVE_DISABLED)
    return _write(row, "go_live.enable", actor, reason, go_live_enabled=True)


@transaction.atomic
def disable(*, actor: str, reason: str = "") -> GoLiveState:
    """Stop production: every path but the exempt ones is refused from the commit on."""
    row = locked()
    _hold(rules.GO_LIVE_DISABLED, reason)
    return _write(row, "go_live.disable", actor, reason, go_live_enabled=False)


@transaction.atomic
def engage_kill_switch(*, actor: str, reason: str = "") -> GoLiveState:
    """Stop everything that acts in production, from the commit on. Never refused and never waits for approval."""
    row = locked()
    _hold(rules.KILL_SWITCH_ENGAGED, reason)
    return _write(row, "kill_switch.engage", actor, reason, kill_switch_engaged=True)


@transaction.atomic
def release_kill_switch(*, actor: str, reason: str) -> GoLiveState | Refused:
    """Let what acts in production act again. Refused while the tripwire that pulled it is not re-armed."""
    row = locked()
    refusal = why_not_released()
    if refusal is not None:
        return refusal
    grants.demand({"kill_switch_engaged"})
    holds.lift(scope=holds.EVERYTHING, source=SOURCE, code=rules.KILL_SWITCH_ENGAGED)
    return _write(row, "kill_switch.release", actor, reason, kill_switch_engaged=False)


@transaction.atomic
def restore_seed(*, actor: str) -> bool:
    """Put the missing row back, disabled, and killed if it was; say whether it was put. A seed turns no switch."""
    killed = Hold.objects.filter(source=SOURCE, code=rules.KILL_SWITCH_ENGAGED).exists()
    blank = {"kill_switch_engaged": killed, "changed_by": actor, "updated_at": clock.now()}
    row, created = GoLiveState.objects.get_or_create(pk=1, defaults=blank)
    if created:
        _hold(rules.GO_LIVE_DISABLED, "The missing row was put back.")
        epoch.advance()
        audit.record(action="go_live.restore", target="", actor=actor, reason="missing row", after=row.snapshot())
    return created


def _hold(code: str, reason: str) -> None:
    holds.place(
        scope=holds.EVERYTHING, source=SOURCE, code=code, reason=reason, rank=rules.RANK[code], enforced_only=True
    )


def _write(row: GoLiveState, action: str, actor: str, reason: str, **switch: bool) -> GoLiveState:
    before = row.snapshot()
    for name, value in switch.items():
        setattr(row, name, value)
    row.changed_by, row.reason, row.updated_at = actor, reason, clock.now()
    row.save()
    turn = epoch.advance()
    audit.record(action=action, target="", actor=actor, reason=reason, before=before, after=row.snapshot())
    telling.turned(action, actor=actor, reason=reason, epoch=turn)
    return row
