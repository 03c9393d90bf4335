"""The changes of Heimdall's policies that operators can submit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance import ending, names
from governance.changes import Refused
from governance.register import Action
from heimdall import policies, rules, services, words
from heimdall.serializers import HeimdallPolicySchema
from heimdall.shapes import RestartSchema


def _cannot_set(target: str, patch: Mapping[str, Any], _reason: str) -> Refused | None:
    return policies.why_not(policies.locked_or_new(target), patch)


def _set(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.set_policy(domain=target, patch=patch, actor=actor, reason=reason)


def _restart(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.restart_evidence(domain=target, actor=actor, reason=reason)


ACTIONS = (
    Action(
        name=rules.SET_POLICY,
        label="Change a Heimdall policy",
        schema=HeimdallPolicySchema,
        target=names.engine,
        lock=policies.locked_or_new,
        loosens=rules.loosens,
        apply=_set,
        refuses=_cannot_set,
        divisible=True,
        noun="domain",
        effect=ending.effect_of,
    ),
    Action(
        name=rules.RESTART,
        label="Start the evidence anew",
        schema=RestartSchema,
        target=names.engine,
        lock=services.locked_evidence,
        loosens=rules.restart_loosens,
        apply=_restart,
        needs_reason=True,
        noun="domain",
        sets={"admitted": False},
        effect=words.restarting,
    ),
)
