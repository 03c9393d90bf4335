"""The changes of the switches that operators can submit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from golive import rules, services, words
from golive.serializers import EnableSchema, NothingSchema
from governance.changes import Refused
from governance.register import Action


def _no_target(_target: str) -> str:
    return ""


def _lock(_target: str) -> Any:
    return services.locked()


def _cannot_enable(_target: str, patch: Mapping[str, Any], reason: str) -> Refused | None:
    return services.why_not_enabled(services.locked(), override=patch["override"], end=_end(patch), reason=reason)


def _cannot_release(_target: str, _patch: Mapping[str, Any], _reason: str) -> Refused | None:
    return services.why_not_released()


def _enable(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.enable(actor=actor, reason=reason, override=patch["override"], end=_end(patch))


def _end(patch: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in patch.items() if name == "until"}


def _disable(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.disable(actor=actor, reason=reason)


def _engage(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.engage_kill_switch(actor=actor, reason=reason)


def _release(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.release_kill_switch(actor=actor, reason=reason)


ACTIONS = (
    Action(
        name="go_live.enable", label="Enable production", schema=EnableSchema, target=_no_target, lock=_lock,
        loosens=rules.always_loosens, apply=_enable, refuses=_cannot_enable, sets={"go_live_enabled": True},
        effect=words.enabling,
    ),
    Action(
        name="go_live.disable", label="Disable production", schema=NothingSchema, target=_no_target, lock=_lock,
        loosens=rules.never_loosens, apply=_disable, sets={"go_live_enabled": False},
        effect=words.disabling, urgent=True,
    ),
    Action(
        name="kill_switch.engage", label="Engage the kill switch", schema=NothingSchema, target=_no_target, lock=_lock,
        loosens=rules.never_loosens, apply=_engage, sets={"kill_switch_engaged": True},
        effect=words.engaging, urgent=True,
    ),
    Action(
        name="kill_switch.release", label="Release the kill switch", schema=NothingSchema, target=_no_target,
        lock=_lock, loosens=rules.always_loosens, apply=_release, refuses=_cannot_release, needs_reason=True,
        sets={"kill_switch_engaged": False}, effect=words.releasing,
    ),
)  # fmt: skip
