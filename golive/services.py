"""The only writes of the switches. Each changes state, hold and epoch in one transaction and records itself."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db import transaction

from golive import rules, telling
from golive.models import GoLiveState
from golive.selectors import MISSING
from governance import audit, clock, ending, epoch, grants, holds, readiness, rows
from governance.changes import Refused
from governance.database import locking
from governance.errors import Invalid, Unavailable
from governance.models import Hold

SOURCE = "golive"
_ENABLED = {"go_live_enabled": True}
_STATE = "SELECT * FROM go_live_state WHERE id = 1"
_FOR_GOOD: Mapping[str, Any] = {}


def locked() -> GoLiveState:
    """Return the switches, locked, and production disabled where its time is over.

    Reservations never take this lock, so a kill never queues behind them.
    """
    row = rows.one(GoLiveState, locking(_STATE))
    if row is None:
        raise Unavailable(MISSING)
    if row.has_ended():
        return _write(row, "go_live.disable", ending.ACTOR, ending.over(row.until), row.gone_back())
    return row


def end_overrides() -> list[str]:
    """Disable production where it was enabled until a time, and that is over; name it."""
    return ending.end(GoLiveState.objects.all(), lambda _row: locked(), lambda _row: "production")


def why_not_enabled(row: GoLiveState, *, override: bool, end: Mapping[str, Any], reason: str) -> Refused | None:
    """Return why production cannot be enabled: the failing checklist, or an override without a reason.

    Raises Invalid for an ``end`` (``until``, where it is given) of what is enabled without one already.
    """
    if end.get("until") and not row.would_fall_back_to({**_ENABLED, **end}):
        raise Invalid({"until": ["Production is enabled already, and without an end: nothing here would end."]})
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
def enable(
    *, actor: str, reason: str = "", override: bool = False, end: Mapping[str, Any] = _FOR_GOOD
) -> GoLiveState | Refused:
    """Let production run. Refused, with the checklist, unless it passes or an override comes with a reason.

    With ``until`` in ``end`` it is disabled again at that time; None there takes an end away. Raises Invalid for an end
    of what is enabled without one already.
    """
    row = locked()
    refusal = why_not_enabled(row, override=override, end=end, reason=reason)
    if refusal is not None:
        return refusal
    grants.demand({"go_live_enabled"})
    return _write(row, "go_live.enable", actor, reason, {**_ENABLED, **end})


@transaction.atomic
def disable(*, actor: str, reason: str = "") -> GoLiveState:
    """Stop production: every path but the exempt ones is refused from the commit on."""
    return _write(locked(), "go_live.disable", actor, reason, {"go_live_enabled": False})


@transaction.atomic
def engage_kill_switch(*, actor: str, reason: str = "") -> GoLiveState:
    """Stop everything that acts in production, from the commit on. Never refused and never waits for approval."""
    return _write(locked(), "kill_switch.engage", actor, reason, {"kill_switch_engaged": True})


@transaction.atomic
def release_kill_switch(*, actor: str, reason: str) -> GoLiveState | Refused:
    """Let what acts in production act again. Refused while the tripwire that pulled it is not re-armed."""
    row = locked()
    refusal = why_not_released()
    if refusal is not None:
        return refusal
    grants.demand({"kill_switch_engaged"})
    return _write(row, "kill_switch.release", actor, reason, {"kill_switch_engaged": False})


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


def _hold(code: str, reason: str, starts_at: dt.datetime | None = None) -> None:
    holds.place(
        scope=holds.EVERYTHING, source=SOURCE, code=code, reason=reason, rank=rules.RANK[code], enforced_only=True,
        starts_at=starts_at,
    )  # fmt: skip


def _write(row: GoLiveState, action: str, actor: str, reason: str, patch: Mapping[str, Any]) -> GoLiveState:
    before = row.snapshot()
    row.take(patch)
    row.changed_by, row.reason, row.updated_at = actor, reason, clock.now()
    row.save()
    _hold_by(row, patch)
    turn = epoch.advance()
    audit.record(action=action, target="", actor=actor, reason=reason, before=before, after=row.snapshot())
    telling.turned(action, actor=actor, reason=reason, epoch=turn)
    return row


def _hold_by(row: GoLiveState, patch: Mapping[str, Any]) -> None:
    """Write the hold of the switch that was turned; that of an end begins by itself, whether or not anybody acts."""
    if "kill_switch_engaged" in patch:
        code, held = rules.KILL_SWITCH_ENGAGED, row.kill_switch_engaged
    else:
        code, held = rules.GO_LIVE_DISABLED, not row.go_live_enabled
    if held:
        _hold(code, row.reason)
    elif code == rules.GO_LIVE_DISABLED and row.until is not None:
        _hold(code, ending.over(row.until), starts_at=row.until)
    else:
        holds.lift(scope=holds.EVERYTHING, source=SOURCE, code=code)
