"""The lever's seed row."""

from __future__ import annotations

from golive import services
from golive.models import GoLiveState


def missing() -> list[str]:
    """Name the row if it is not there."""
    return [] if GoLiveState.objects.filter(pk=1).exists() else ["go_live_state"]


def restore(*, actor: str, reset: bool) -> list[str]:
    """Put the row back where it is missing, disabled; a reset turns no switch."""
    return ["go_live_state"] if services.restore_seed(actor=actor) else []
