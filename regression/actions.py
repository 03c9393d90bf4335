"""The changes of tripwires and their incidents that operators can submit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance import ending
from governance.changes import Refused
from governance.register import Action
from regression import policies, rules, services, words
from regression.models import RegressionIncident
from regression.serializers import CauseSchema, NothingToSetSchema, RegressionPolicySchema

_TRIPWIRE = "tripwire (DOMAIN/metric)"


def _policy(target: str) -> Any:
    return policies.locked_or_new(*rules.parted(target))


def _cannot_set(target: str, patch: Mapping[str, Any], _reason: str) -> Refused | None:
    """Raise Invalid where the policy could never trigger: only with the row at hand is that known."""
    policy = _policy(target)
    policies.check(policy, patch)
    return policies.why_not(policy, patch)


def _set(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    domain, metric = rules.parted(target)
    return services.set_policy(domain=domain, metric=metric, patch=patch, actor=actor, reason=reason)


def _tripwire(target: str) -> Any:
    _policy_row, state = services.locked_tripwire(*rules.parted(target))
    return state


def _rearm(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    domain, metric = rules.parted(target)
    return services.rearm(domain=domain, metric=metric, actor=actor, reason=reason)


def _cannot_rearm(target: str, _patch: Mapping[str, Any], _reason: str) -> Refused | None:
    return services.must_wait(*services.locked_tripwire(*rules.parted(target)))


def _pin(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    domain, metric = rules.parted(target)
    return services.pin_baseline(domain=domain, metric=metric, actor=actor, reason=reason)


def _incident(target: str) -> Any:
    return services.locked_incident(int(target))


def _acknowledge(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.acknowledge_incident(incident_id=int(target), actor=actor, reason=reason)


def _resolve(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    cause = patch.get("cause", "")
    return services.resolve_incident(incident_id=int(target), actor=actor, cause=cause, reason=reason)


ACTIONS = (
    Action(
        name=rules.SET_POLICY, label="Change a tripwire", schema=RegressionPolicySchema, target=rules.spelled,
        lock=_policy, loosens=rules.loosens, apply=_set, refuses=_cannot_set, divisible=True, noun=_TRIPWIRE,
        effect=ending.effect_of,
    ),
    Action(
        name=rules.REARM, label="Re-arm a tripwire", schema=NothingToSetSchema, target=rules.spelled, lock=_tripwire,
        loosens=rules.always_loosens, apply=_rearm, refuses=_cannot_rearm, needs_reason=True, noun=_TRIPWIRE,
        sets={"triggered": False}, effect=words.rearming,
    ),
    Action(
        name=rules.PIN, label="Pin a baseline", schema=NothingToSetSchema, target=rules.spelled, lock=_policy,
        loosens=rules.always_loosens, apply=_pin, needs_reason=True, noun=_TRIPWIRE, effect=words.repinning,
    ),
    Action(
        name=rules.ACKNOWLEDGE, label="Acknowledge an incident", schema=NothingToSetSchema,
        target=rules.incident_number, lock=_incident, loosens=rules.never_loosens, apply=_acknowledge,
        noun="incident", sets={"status": RegressionIncident.Status.ACKNOWLEDGED},
    ),
    Action(
        name=rules.RESOLVE, label="Resolve an incident", schema=CauseSchema, target=rules.incident_number,
        lock=_incident, loosens=rules.never_loosens, apply=_resolve, noun="incident",
        sets={"status": RegressionIncident.Status.RESOLVED},
    ),
)  # fmt: skip
