"""The law of the switches: which way is tighter. Pure functions on values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

KILL_SWITCH_ENGAGED = "kill_switch_engaged"
GO_LIVE_DISABLED = "go_live_disabled"
CHECKLIST_FAILED = "checklist_failed"
KILL_SWITCH_PIN = "kill_switch"
RANK = {KILL_SWITCH_ENGAGED: 10, GO_LIVE_DISABLED: 20}

# What an end takes back: the other switch is never let go for a time.
ENDING = frozenset({"go_live_enabled"})


def is_looser(name: str, value: Any, than: Any) -> bool:
    """Say whether a switch's ``value`` is looser ``than`` another one."""
    return name in ENDING and bool(value and not than)


def status(*, enabled: bool, killed: bool, enforced: bool) -> str:
    """Return the one word for where production stands: NOT ENFORCED, KILLED, DISABLED or LIVE."""
    if not enforced:
        return "NOT ENFORCED"
    if killed:
        return "KILLED"
    return "LIVE" if enabled else "DISABLED"


def always_loosens(_standing: Mapping[str, Any], _patch: Mapping[str, Any]) -> frozenset[str]:
    """Enabling production and releasing the kill switch loosen a control whatever stood before."""
    return frozenset({"*"})


def never_loosens(_standing: Mapping[str, Any], _patch: Mapping[str, Any]) -> frozenset[str]:
    """Disabling production and engaging the kill switch tighten a control whatever stood before."""
    return frozenset()
