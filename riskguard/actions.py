"""The changes of risk policies that operators can submit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance import names
from governance.changes import Refused
from governance.register import Action
from riskguard import rules, selectors, services
from riskguard.serializers import PolicySchema


def _cannot_set(target: str, patch: Mapping[str, Any], _reason: str) -> Refused | None:
    return services.why_not(services.locked_policy(target), patch)


def _set(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.set_policy(engine=target, patch=patch, actor=actor, reason=reason)


ACTIONS = (
    Action(
        name=services.SET_POLICY,
        label="Change a risk policy",
        schema=PolicySchema,
        target=names.engine,
        lock=services.locked_policy,
        loosens=rules.loosens,
        apply=_set,
        refuses=_cannot_set,
        divisible=True,
        noun="engine",
        effect=selectors.effect_of,
    ),
)
