"""The only writes of Heimdall. An authorization locks the policy, then the recommendation, and reads after the wait."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import DatabaseError, IntegrityError, OperationalError, transaction
from django.db.models import F

from governance import audit, clock, grants, holds, metrics, retiring
from governance.changes import Refused
from governance.database import is_lock_timeout
from governance.errors import NotFound
from heimdall import rules, selectors, words
from heimdall.decisions import Authorization, Judgement, Trial
from heimdall.models import HeimdallEvent, HeimdallPolicy, HeimdallRecommendation, HeimdallScorecardDay
from heimdall.rules import Evidence, utc_day

Kind = HeimdallEvent.Kind
_log = logging.getLogger(__name__)


@transaction.atomic
def trial(*, domain: str, confidence: float, success: bool, actor: str) -> Trial:
    """Count a sandbox trial on the UTC day's scorecard of ``domain`` and return it.

    A domain without a policy is refused with ``policy_missing``, recorded, and gets no scorecard.
    """
    now = clock.database_now()
    known = HeimdallPolicy.objects.filter(domain=domain).exists()
    kind, reason = (Kind.TRIAL, rules.RECORDED) if known else (Kind.DENY, rules.POLICY_MISSING)
    card = _counted(domain, now, success) if known else HeimdallScorecardDay(day=utc_day(now), domain=domain)
    _event(kind, now, domain, reason, actor, confidence=confidence, success=success, figures={"scorecard": _card(card)})
    message = f"{domain}: {card.successes} of {card.trials} sandbox trials succeeded today."
    if not known:
        message = words.judged(reason, domain, None, confidence, Evidence())
    return Trial(known, reason, message, card)


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
    policy = selectors.policy(domain)
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
    _event(
        Kind.RECOMMEND, now, domain, reason, actor, confidence=confidence, recommendation=stored,
        figures=_figures(policy, shown),
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


@transaction.atomic
def set_policy(*, domain: str, patch: Mapping[str, Any], actor: str, reason: str = "") -> HeimdallPolicy | Refused:
    """Change the controls of a policy that ``patch`` names, creating one that asks for everything if need be."""
    policy = locked_policy(domain)
    refusal = why_not(policy, patch)
    if refusal is not None:
        return refusal
    grants.demand(rules.loosens({name: getattr(policy, name) for name in patch}, patch))
    patch = retiring.asked({**patch}, "prod_use_enabled")
    before = None if policy.pk is None else policy.snapshot()
    for name, value in patch.items():
        setattr(policy, name, value)
    policy.changed_by, policy.reason, policy.updated_at = actor, reason, clock.now()
    if before is not None:
        policy.save()
    elif not _inserted(policy):
        message = f"The policy of {domain} was created by another at the same moment: look at it and try again."
        return Refused("created_meanwhile", message)
    after = policy.snapshot()
    audit.record(action=rules.SET_POLICY, target=domain, actor=actor, reason=reason, before=before, after=after)
    return policy


def why_not(policy: HeimdallPolicy, patch: Mapping[str, Any]) -> Refused | None:
    """Return why ``patch`` cannot be: it lets a retired policy's recommendations act."""
    if patch.get("prod_use_enabled") and patch.get("retired", policy.retired):
        return Refused("retired", f"{policy.domain} is retired: bring it back first.")
    return None


def locked_policy(domain: str) -> HeimdallPolicy:
    """Return the policy of ``domain``, locked; where there is none, a new one that is not saved and is off."""
    found = HeimdallPolicy.objects.select_for_update().filter(domain=domain).first()
    return found or HeimdallPolicy(domain=domain, engine=domain, created_at=clock.now(), updated_at=clock.now())


def _inserted(policy: HeimdallPolicy) -> bool:
    """Insert a new policy; say whether nobody was first, whose policy this change has not been judged against."""
    try:
        with transaction.atomic():
            policy.save(force_insert=True)
    except IntegrityError:
        if not HeimdallPolicy.objects.filter(domain=policy.domain).exists():
            raise
        return False
    return True


@transaction.atomic(durable=True)
def _authorize(recommendation_id: int, actor: str) -> Authorization:
    domain = _domain_of(recommendation_id)
    policy = HeimdallPolicy.objects.select_for_update().filter(domain=domain).first()
    # NO KEY: the record of a caller that gives up waiting refers to this row, and must not wait for it again.
    wanted = HeimdallRecommendation.objects.select_for_update(no_key=True).get(pk=recommendation_id)
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
    _event(
        Kind.AUTHORIZE if ok else Kind.DENY, now, domain, reason, actor, confidence=wanted.confidence,
        recommendation=wanted, figures={**_figures(policy, shown), "holds": [f"{hold}" for hold in held]},
    )  # fmt: skip
    return Authorization(ok, reason, message, wanted)


def _busy(recommendation_id: int, actor: str) -> Authorization:
    """Answer that the lock was not to be had in time, and record it in a transaction of its own."""
    wanted = HeimdallRecommendation.objects.get(pk=recommendation_id)
    try:
        with transaction.atomic(durable=True):
            now = clock.database_now()
            _event(
                Kind.DENY, now, wanted.domain, rules.BUSY, actor, confidence=wanted.confidence, recommendation=wanted
            )
    except DatabaseError:
        _log.exception("The refusal of recommendation %s could not be recorded", recommendation_id)
    return Authorization(False, rules.BUSY, words.busy(recommendation_id), wanted)


def _domain_of(recommendation_id: int) -> str:
    domain = HeimdallRecommendation.objects.filter(pk=recommendation_id).values_list("domain", flat=True).first()
    if domain is None:
        raise NotFound(f"There is no recommendation {recommendation_id}.")
    return domain


def _counted(domain: str, now: datetime, success: bool) -> HeimdallScorecardDay:
    """Add a trial to the day's scorecard, opening it if need be, and return it; the update holds the row's lock."""
    cards = HeimdallScorecardDay.objects.filter(day=utc_day(now), domain=domain)
    more = {"trials": F("trials") + 1, "successes": F("successes") + int(success)}
    if not cards.update(**more):
        fresh = HeimdallScorecardDay(day=utc_day(now), domain=domain)
        HeimdallScorecardDay.objects.bulk_create([fresh], ignore_conflicts=True)
        cards.update(**more)
    return cards.get()


def _event(
    kind: str,
    now: datetime,
    domain: str,
    reason: str,
    actor: str,
    *,
    confidence: float,
    success: bool | None = None,
    recommendation: HeimdallRecommendation | None = None,
    figures: Mapping[str, Any] | None = None,
) -> None:
    HeimdallEvent.objects.create(
        at=now, day=utc_day(now), kind=kind, domain=domain, recommendation=recommendation, confidence=confidence,
        success=success, reason=reason, actor=actor, figures=figures or {},
    )  # fmt: skip


def _figures(policy: HeimdallPolicy | None, shown: Evidence) -> dict[str, Any]:
    """Return what a decision saw, in integers, booleans and text."""
    scorecard = {"days": shown.days, "trials": shown.trials, "successes": shown.successes}
    return {"policy": policy.snapshot() if policy else None, "scorecard": scorecard}


def _card(card: HeimdallScorecardDay) -> dict[str, int]:
    return {"days": 1, "trials": card.trials, "successes": card.successes}
