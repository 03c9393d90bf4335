"""The only writes of Heimdall. An authorization locks the recommendation, then the policy, and reads after the wait.

The policy's lock is the mutex of its domain's evidence, and the last in the written order.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from django.db import DatabaseError, OperationalError, transaction

from governance import clock, facts, grants, holds, metrics
from governance.changes import Refused
from governance.database import is_lock_timeout
from governance.errors import Conflict, Invalid, NotFound
from governance.facts import Outcome, Tripped
from heimdall import admission, policies, recording, rules, selectors, words
from heimdall.decisions import Authorization, Judgement, Learned, Trial
from heimdall.models import (
    HeimdallEvent,
    HeimdallEvidence,
    HeimdallPolicy,
    HeimdallRecommendation,
    HeimdallScorecardDay,
)
from heimdall.rules import Evidence, utc_day

Kind = HeimdallEvent.Kind
_log = logging.getLogger(__name__)


@transaction.atomic
def trial(*, domain: str, confidence: float, success: bool, actor: str) -> Trial:
    """Count a sandbox trial on the UTC day's scorecard of ``domain`` and in its evidence, and return both.

    A domain without a policy is refused with ``policy_missing``, recorded, and gets no scorecard.
    """
    policy = policies.locked(domain)
    now = clock.database_now()
    if policy is None:
        reason, card = rules.POLICY_MISSING, HeimdallScorecardDay(day=utc_day(now), domain=domain)
        told = {"scorecard": _card(card)}
        recording.event(Kind.DENY, now, domain, reason, actor, confidence=confidence, success=success, figures=told)
        return Trial(False, reason, words.judged(reason, domain, None, confidence, Evidence()), card, None)
    admission.counted(policy, success)
    card = _counted(domain, now, success)
    shown = selectors.evidence(policy, utc_day(now))
    told = {"scorecard": _card(card), **({"evidence": recording.scorecard(shown)} if shown.proof else {})}
    recording.event(
        Kind.TRIAL, now, domain, rules.RECORDED, actor, confidence=confidence, success=success, figures=told
    )
    message = f"{domain}: {card.successes} of {card.trials} sandbox trials succeeded today."
    return Trial(True, rules.RECORDED, message, card, shown)


@transaction.atomic
def recommend(
    *,
    domain: str,
    confidence: float,
    recommendation: Mapping[str, Any],
    evidence: Mapping[str, Any],
    actor: str,
    correlation_id: str = "",
) -> Judgement:
    """Store a recommendation with how it stands by policy and evidence now; it may act only once authorized."""
    now = clock.database_now()
    policy = policies.standing(domain)
    shown = selectors.evidence(policy, utc_day(now))
    reason = rules.gate(policy.charter() if policy else None, confidence, shown)
    stored = HeimdallRecommendation.objects.create(
        domain=domain,
        engine=policy.engine if policy else "",
        confidence=confidence,
        recommendation=recommendation,
        evidence=evidence,
        prod_eligible=reason == rules.GATE_PASS,
        gate_reason=reason,
        actor=actor,
        correlation_id=correlation_id,
        created_at=now,
    )
    recording.event(
        Kind.RECOMMEND, now, domain, reason, actor, confidence=confidence, recommendation=stored,
        figures=recording.figures(policy, shown),
    )  # fmt: skip
    return Judgement(stored, policy, shown)


def authorize(*, recommendation_id: int, actor: str) -> Authorization:
    """Let a recommendation act, once, if nothing holds and policy and evidence admit it as they stand now.

    A refusal is returned, not raised, so that its record commits with it. NotFound where there is none of that id.
    """
    try:
        answer = _authorize(recommendation_id, actor)
    except OperationalError as late:
        if not is_lock_timeout(late):
            raise
        _log.warning("Recommendation %s was busy: %s", recommendation_id, late)
        answer = _busy(recommendation_id, actor)
    metrics.decided(lever="heimdall", engine=answer.recommendation.engine, reason=answer.reason)
    return answer


@transaction.atomic(durable=True)
def record_outcome(*, recommendation_id: int, success: bool, actor: str) -> Learned:
    """Say how an authorized recommendation turned out: once, and as an event of its engine's metric, or neither.

    The same again changes nothing and answers the same. Refused where it was not authorized; no hold refuses, since
    what has happened can always be told. Conflict where the outcome is known to be the other one, NotFound where there
    is no such recommendation, Invalid where ``success`` is no boolean.
    """
    if not isinstance(success, bool):
        raise Invalid({"success": ["Must be true or false."]})
    # The recommendation comes before the tripwire in the written order of locks, and the policy after both.
    wanted = _locked(recommendation_id)
    if wanted.outcome is not None and wanted.outcome_at is not None:
        if wanted.outcome != success:
            known = words.told_already(wanted.pk, wanted.outcome_at, wanted.outcome_by, success=wanted.outcome)
            raise Conflict("outcome_differs", known)
        return Learned(True, rules.RECORDED, words.learned(wanted.pk, wanted.domain, success=success), wanted)
    now = clock.database_now()
    tell = partial(recording.event, confidence=wanted.confidence, recommendation=wanted)
    if wanted.authorized_at is None:
        tell(Kind.DENY, now, wanted.domain, rules.NOT_AUTHORIZED, actor)
        return Learned(False, rules.NOT_AUTHORIZED, words.not_authorized(wanted.pk), wanted)
    wanted.outcome, wanted.outcome_at, wanted.outcome_by = success, now, actor
    wanted.save(update_fields=["outcome", "outcome_at", "outcome_by"])
    tell(Kind.OUTCOME, now, wanted.domain, rules.RECORDED, actor, success=success)
    policy = selectors.policy(wanted.domain)
    facts.tell(
        Outcome(
            engine=policy.engine if policy else wanted.engine or wanted.domain,
            metric=policy.outcome_metric if policy else rules.OUTCOME_METRIC,
            success=success, actor=actor, reference=f"recommendation-{wanted.pk}",
        )
    )  # fmt: skip
    return Learned(True, rules.RECORDED, words.learned(wanted.pk, wanted.domain, success=success), wanted)


@transaction.atomic
def set_policy(*, domain: str, patch: Mapping[str, Any], actor: str, reason: str = "") -> HeimdallPolicy | Refused:
    """Change the controls of a policy that ``patch`` names, creating one that asks for everything if need be.

    With ``until`` what the patch loosens goes back at that time to how it stood. Raises Invalid for an end of nothing.
    """
    policy = policies.locked_or_new(domain)
    refusal = policies.why_not(policy, patch)
    if refusal is not None:
        return refusal
    grants.demand(rules.loosens(policy.standing(patch), patch))
    return policies.write(policy, patch, actor, reason)


@transaction.atomic
def restart_evidence(*, domain: str, actor: str, reason: str) -> HeimdallEvidence:
    """Start the evidence of ``domain`` anew: no trial counts, no admission stands, and less error may be spent.

    Raises NotFound where there is no policy and Invalid without a reason.
    """
    if not reason.strip():
        raise Invalid({"reason": ["Say why: a restart is recorded with its reason."]})
    row = locked_evidence(domain)
    grants.demand(rules.restart_loosens(row.snapshot(), {}))
    return admission.restarted(row, actor=actor, reason=reason)


def hear_trip(trip: Tripped) -> None:
    """Take back what the domains of a tripped engine have earned, and start their evidence anew: as one with the trip.

    What the sandbox showed was not so. Evidence that was never begun stays as it is.
    """
    for policy in HeimdallPolicy.objects.select_for_update().filter(engine=trip.engine).order_by("domain"):
        row = admission.opened(policy)
        if row.trials or row.admitted:
            admission.restarted(row, actor=trip.actor, reason=trip.reason)


def locked_evidence(domain: str) -> HeimdallEvidence:
    """Return the evidence of ``domain``, under the lock of its policy; NotFound where there is none."""
    policy = policies.locked(domain)
    if policy is None:
        raise NotFound(f"There is no Heimdall policy for {domain}: an operator must create one.")
    return admission.opened(policy)


@transaction.atomic(durable=True)
def _authorize(recommendation_id: int, actor: str) -> Authorization:
    wanted = _locked(recommendation_id)
    domain = wanted.domain
    policy = policies.locked(domain)
    # Both locks are held: a hold that was committed during the wait is seen by what follows, and by nothing before.
    now = clock.database_now()
    held = holds.standing(policy.engine if policy else None)
    shown = selectors.evidence(policy, utc_day(now))
    charter = policy.charter() if policy else None
    if wanted.authorized_at is not None:
        reason = rules.ALREADY_USED
        message = words.used(wanted.pk, wanted.authorized_at, wanted.authorized_by)
    elif held:
        reason = held[0].code
        message = words.held(held[0].scope, held[0].code, held[0].reason)
    else:
        reason = rules.gate(charter, wanted.confidence, shown)
        message = words.judged(reason, domain, charter, wanted.confidence, shown)
    ok = reason == rules.GATE_PASS
    if ok:
        wanted.authorized_at, wanted.authorized_by = now, actor
        wanted.save(update_fields=["authorized_at", "authorized_by"])
    recording.event(
        Kind.AUTHORIZE if ok else Kind.DENY, now, domain, reason, actor, confidence=wanted.confidence,
        recommendation=wanted, figures={**recording.figures(policy, shown), "holds": [f"{hold}" for hold in held]},
    )  # fmt: skip
    return Authorization(ok, reason, message, wanted, shown if policy else None)


def _busy(recommendation_id: int, actor: str) -> Authorization:
    """Answer that the lock was not to be had in time, and record it in a transaction of its own."""
    wanted = HeimdallRecommendation.objects.get(pk=recommendation_id)
    try:
        with transaction.atomic(durable=True):
            now = clock.database_now()
            recording.event(
                Kind.DENY, now, wanted.domain, rules.BUSY, actor, confidence=wanted.confidence, recommendation=wanted
            )
    except DatabaseError:
        _log.exception("The refusal of recommendation %s could not be recorded", recommendation_id)
    return Authorization(False, rules.BUSY, words.busy(recommendation_id), wanted, None)


def _locked(recommendation_id: int) -> HeimdallRecommendation:
    # NO KEY: the record of a caller that gives up waiting refers to this row, and must not wait for it again.
    found = HeimdallRecommendation.objects.select_for_update(no_key=True).filter(pk=recommendation_id).first()
    if found is None:
        raise NotFound(f"There is no recommendation {recommendation_id}.")
    return found


def _counted(domain: str, now: datetime, success: bool) -> HeimdallScorecardDay:
    """Add a trial to the day's scorecard under the policy's lock, opening it if need be, and return it."""
    cards = HeimdallScorecardDay.objects.filter(day=utc_day(now), domain=domain)
    card = cards.first() or HeimdallScorecardDay(day=utc_day(now), domain=domain)
    card.trials += 1
    card.successes += success
    card.save()
    return card


def _card(card: HeimdallScorecardDay) -> dict[str, int]:
    return {"days": 1, "trials": card.trials, "successes": card.successes}
