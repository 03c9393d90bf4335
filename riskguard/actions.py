"""The changes of risk policies that operators can submit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance import names
from governance.changes import Refused
from governance.register import Action
from riskguard import policies, rules, selectors, services
from riskguard.serializers import PolicySchema


def _cannot_set(target: str, patch: Mapping[str, Any], _reason: str) -> Refused | None:
    return policies.why_not(policies.locked_policy(target), patch)


def _set(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.set_policy(engine=target, patch=patch, actor=actor, reason=reason)


ACTIONS = (
    Action(
        name=policies.SET_POLICY,
        label="Change a risk policy",
        schema=PolicySchema,
        target=names.engine,
        lock=policies.locked_policy,
        loosens=rules.loosens,
        apply=_set,
        refuses=_cannot_set,
        divisible=True,
        noun="engine",
        effect=selectors.effect_of,
    ),
)
