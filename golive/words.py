"""What turning a switch means, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings

from golive.models import GoLiveState
from governance import ending

_NOT_ENFORCED = "This process does not enforce the switches: nothing is blocked or let go by it."


def enabling(state: GoLiveState, patch: Mapping[str, Any]) -> list[str]:
    """Say what enabling production does."""
    until = patch.get("until", state.until)
    end = [f"At {ending.minute(until)} production is disabled again, by itself."] if until else []
    if state.kill_switch_engaged:
        killed = "The kill switch stays engaged: what acts in production stays refused until it is released."
        return _said(killed, *end)
    return _said("Every engine may act in production, within its caps.", *end)


def disabling(_state: GoLiveState, _patch: Mapping[str, Any]) -> list[str]:
    """Say what disabling production does."""
    return _said("Every request outside the control plane is refused from this moment on. Settling goes on.")


def engaging(_state: GoLiveState, _patch: Mapping[str, Any]) -> list[str]:
    """Say what engaging the kill switch does."""
    return _said(
        "Everything that acts in production is refused from this moment on, by every engine. Settling goes on.",
        "It needs no approval.",
    )


def releasing(state: GoLiveState, _patch: Mapping[str, Any]) -> list[str]:
    """Say what releasing the kill switch does."""
    if not state.go_live_enabled:
        return _said("Production stays disabled until it is enabled.")
    return _said("Every engine may act in production again, within its caps.")


def _said(*sentences: str) -> list[str]:
    return [*sentences] if settings.GOVERNANCE_ENFORCED else [*sentences, _NOT_ENFORCED]
