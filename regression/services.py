"""The only writes of the tripwires. Each locks the policy first, which is the mutex of its events and its state."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction

from governance import audit, clock, grants, holds, names
from governance.changes import Refused
from governance.errors import Invalid, NotFound
from regression import batches, limits, pinning, policies, recording, rules, selectors, telling, tripping, words
from regression.batches import MAX_OBSERVATIONS, Batch
from regression.limits import MANY_WITHIN
from regression.models import RegressionBaseline, RegressionIncident, RegressionPolicy, RegressionState
from regression.recording import Observation, Recorded


def record_kpi(
    *,
    domain: str,
    metric: str,
    actor: str,
    success: bool | None = None,
    value: float | None = None,
    correlation_id: str = "",
) -> Recorded:
    """Record one event, exactly one of ``success`` and ``value``, and evaluate its tripwire if it is enabled.

    A trip pulls its lever in this same transaction. Raises Invalid for a malformed event.
    """
    return recording.record(_checked(Observation(domain, metric, success, value, correlation_id)), actor)


def record_kpis(*, observations: Sequence[Observation], actor: str, idempotency_key: str | None = None) -> Batch:
    """Record up to 10,000 events in one transaction, with the states and the trips that one by one would have.

    After a trip within the batch the rest is recorded as after a trip. The same key and events again are the same
    batch (Conflict for others). Raises Invalid for a malformed event, naming its place and field, and then nothing is
    recorded.
    """
    if not 1 <= len(observations) <= MAX_OBSERVATIONS:
        raise Invalid({"items": [f"Must be 1 to {MAX_OBSERVATIONS} events."]})
    checked, errors = [], {}
    for place, observation in enumerate(observations):
        try:
            checked.append(_checked(observation))
        except Invalid as wrong:
            errors.update({f"items.{place}.{field}": said for field, said in wrong.errors.items()})
    if errors:
        raise Invalid(errors)
    return batches.once(checked, actor, idempotency_key) if idempotency_key else batches.record(checked, actor)


@transaction.atomic(durable=True)
def evaluate(*, domain: str, metric: str, actor: str) -> RegressionState | None:
    """Evaluate a tripwire as things stand, and pull its lever if it trips; None where it has no policy.

    A disabled one is evaluated for its figures alone.
    """
    policy = policies.locked(*_pair(domain, metric))
    return None if policy is None else tripping.evaluated(policy, actor)


@transaction.atomic
def rearm(*, domain: str, metric: str, actor: str, reason: str) -> RegressionState | Refused:
    """Let a tripwire watch again from this event on; the trip's events never enter a window again.

    What the trip pulled stays as it is, and may be changed from now on; a pinned baseline stays, and the evidence
    starts anew. One that is not triggered starts its windows anew. Refused while one that trips again and again must
    wait. Raises NotFound where there is no such tripwire and Invalid without a reason.
    """
    if not reason.strip():
        raise Invalid({"reason": ["Say why: a re-arming is recorded with its reason."]})
    policy, state = locked_tripwire(domain, metric)
    refusal = must_wait(policy, state)
    if refusal is not None:
        return refusal
    grants.demand({"triggered"})
    before = state.snapshot()
    if state.baseline_end_id is not None:
        tripping.leave_out(state, state.baseline_end_id)
        holds.lift(scope=domain, source=tripping.SOURCE, code=rules.TRIPWIRE_TRIGGERED, key=str(policy))
    tripping.arm(policy, state)
    audit.record(
        action=rules.REARM, target=str(policy), actor=actor, reason=reason, before=before, after=state.snapshot()
    )
    telling.rearmed(policy, actor=actor, reason=reason)
    return state


def must_wait(policy: RegressionPolicy, state: RegressionState) -> Refused | None:
    """Refuse to re-arm a triggered tripwire that trips again and again, before its time; None where it may be."""
    trips = selectors.recent_trips(policy, clock.now() - MANY_WITHIN) if state.triggered else []
    wait = limits.wait_to_rearm(len(trips), dt.timedelta(minutes=settings.REARM_WAIT_MINUTES))
    # Without a wait a clock that was set back, and a trip that is yet to come by it, keep nobody from re-arming.
    if not trips or not wait or trips[0] + wait <= clock.now():
        return None
    until = trips[0] + wait
    return Refused("must_wait", words.too_soon(policy, len(trips), until), {"until": until.isoformat()})


@transaction.atomic
def pin_baseline(*, domain: str, metric: str, actor: str, reason: str) -> RegressionBaseline:
    """Begin to take a new baseline from the events that follow; until it is complete the former one goes on.

    Raises NotFound where there is no such tripwire and Invalid without a reason.
    """
    if not reason.strip():
        raise Invalid({"reason": ["Say why: a pin is recorded with its reason."]})
    policy = policies.locked(domain, metric)
    if policy is None:
        raise NotFound(words.missing(domain, metric))
    grants.demand({"baseline"})
    baseline = pinning.begin(policy, actor=actor, reason=reason)
    after = {"number": baseline.number, "size": baseline.size, "block_events": baseline.block_events}
    audit.record(action=rules.PIN, target=str(policy), actor=actor, reason=reason, before=None, after=after)
    return baseline


@transaction.atomic
def set_policy(
    *, domain: str, metric: str, patch: Mapping[str, Any], actor: str, reason: str = ""
) -> RegressionPolicy | Refused:
    """Change the controls of a policy that ``patch`` names, creating a disabled one if need be; enabling arms it.

    Another detector, baseline or evidence arms it too. With ``until`` what the patch loosens goes back at that time to
    how it stood. Raises Invalid where the policy could never trigger and for an end of nothing. A triggered tripwire
    stays triggered.
    """
    policy = policies.locked_or_new(domain, metric)
    refusal = policies.why_not(policy, patch)
    if refusal is not None:
        return refusal
    policies.check(policy, patch)
    grants.demand(rules.loosens(policy.standing(patch), patch))
    return policies.write(policy, patch, actor, reason)


@transaction.atomic
def acknowledge_incident(*, incident_id: int, actor: str, reason: str = "") -> RegressionIncident | Refused:
    """Say that a person has taken an open incident on; Refused where it is not open any more."""
    incident = locked_incident(incident_id)
    if incident.status != RegressionIncident.Status.OPEN:
        return Refused("not_open", f"Incident {incident.pk} is {incident.get_status_display()} already.")
    before = incident.snapshot()
    incident.status = RegressionIncident.Status.ACKNOWLEDGED
    incident.acknowledged_at, incident.acknowledged_by = clock.now(), actor
    return _dealt_with(incident, rules.ACKNOWLEDGE, before, actor, reason)


@transaction.atomic
def resolve_incident(
    *, incident_id: int, actor: str, cause: str = "", reason: str = ""
) -> RegressionIncident | Refused:
    """Close an incident with its ``cause``, and ``reason`` as its resolution; an open one is acknowledged too."""
    incident = locked_incident(incident_id)
    if incident.status == RegressionIncident.Status.RESOLVED:
        return Refused("already_resolved", f"Incident {incident.pk} is resolved already, by {incident.resolved_by}.")
    before, now = incident.snapshot(), clock.now()
    if incident.acknowledged_at is None:
        incident.acknowledged_at, incident.acknowledged_by = now, actor
    incident.status = RegressionIncident.Status.RESOLVED
    incident.resolved_at, incident.resolved_by, incident.resolution = now, actor, reason
    incident.cause = cause
    return _dealt_with(incident, rules.RESOLVE, before, actor, reason)


def locked_tripwire(domain: str, metric: str) -> tuple[RegressionPolicy, RegressionState]:
    """Return a policy, locked, and its state; NotFound where one of them is not there."""
    policy = policies.locked(domain, metric)
    if policy is None:
        raise NotFound(words.missing(domain, metric))
    state = RegressionState.objects.filter(domain=domain, metric=metric).first()
    if state is None:
        raise NotFound(f"{policy} was never enabled or evaluated: there is nothing to re-arm.")
    return policy, state


def locked_incident(incident_id: int) -> RegressionIncident:
    """Return an incident, locked; NotFound where there is none."""
    incident = RegressionIncident.objects.select_for_update().filter(pk=incident_id).first()
    if incident is None:
        raise NotFound(f"There is no incident {incident_id}.")
    return incident


def _dealt_with(
    incident: RegressionIncident, action: str, before: Mapping[str, Any], actor: str, reason: str
) -> RegressionIncident:
    incident.save()
    audit.record(
        action=action, target=str(incident.pk), actor=actor, reason=reason, before=before, after=incident.snapshot()
    )
    return incident


def _checked(seen: Observation) -> Observation:
    """Return an observation with its names in their one spelling; Invalid says what is malformed."""
    domain, metric = _pair(seen.domain, seen.metric)
    wrong = rules.malformed(seen.success, seen.value)
    if wrong:
        raise Invalid(wrong)
    return dataclasses.replace(seen, domain=domain, metric=metric)


def _pair(domain: str, metric: str) -> tuple[str, str]:
    """Return the names in their one spelling, as the API does: an engine's "wholesale" must not miss its tripwire."""
    errors = {}
    for field, spell, name in (("domain", names.engine, domain), ("metric", names.metric, metric)):
        try:
            spell(name)
        except ValueError as wrong:
            errors[field] = [str(wrong)]
    if errors:
        raise Invalid(errors)
    return names.engine(domain), names.metric(metric)
