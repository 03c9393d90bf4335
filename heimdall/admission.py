"""The trials of a domain since its start, and the admission that they earn: written under the lock of its policy."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from governance import audit, clock
from heimdall import anytime, rules
from heimdall.models import HeimdallEvidence, HeimdallPolicy, HeimdallScorecardDay


def opened(policy: HeimdallPolicy) -> HeimdallEvidence:
    """Return the evidence of a policy's domain, from the policy's creation on where there is none yet."""
    found = HeimdallEvidence.objects.filter(domain=policy.domain).first()
    if found is not None:
        return found
    cards = HeimdallScorecardDay.objects.filter(domain=policy.domain).order_by()
    total = cards.aggregate(trials=Sum("trials"), successes=Sum("successes"))
    row = HeimdallEvidence(
        domain=policy.domain, started_at=policy.created_at, started_by=policy.changed_by,
        reason="The policy's creation.", trials=total["trials"] or 0, successes=total["successes"] or 0,
    )  # fmt: skip
    row.save(force_insert=True)
    return row


def counted(policy: HeimdallPolicy, success: bool) -> None:
    """Count a trial that is on no scorecard yet, and look whether it admits the domain or takes its admission away."""
    row = opened(policy)
    row.trials += 1
    row.successes += success
    row.save(update_fields=["trials", "successes"])
    if policy.evidence_rule == rules.ANYTIME:
        _look(policy, row)


def reassessed(policy: HeimdallPolicy, former_rate: Decimal) -> None:
    """Judge the domain by a policy that has changed: more may be asked for now than it was admitted by."""
    row = opened(policy)
    if row.admitted and policy.min_sandbox_success_rate > former_rate:
        _admit(row, admitted=False)
    if policy.evidence_rule == rules.ANYTIME:
        _look(policy, row)


def restarted(row: HeimdallEvidence, *, actor: str, reason: str) -> HeimdallEvidence:
    """Start the evidence anew, from no trial and without admission, and record it.

    Trials that have been seen have spent their share of the error, whichever rule stood; where there were none, none is
    spent.
    """
    before = _told(row)
    row.start += bool(row.trials)
    row.started_at, row.started_by, row.reason = clock.database_now(), actor, reason
    row.trials, row.successes, row.admitted_at = 0, 0, None
    row.save()
    audit.record(action=rules.RESTART, target=row.domain, actor=actor, reason=reason, before=before, after=_told(row))
    return row


def _look(policy: HeimdallPolicy, row: HeimdallEvidence) -> None:
    admitted = anytime.verdict(row.shown, float(policy.min_sandbox_success_rate)) == anytime.ELIGIBLE
    if admitted != row.admitted:
        _admit(row, admitted=admitted)


def _admit(row: HeimdallEvidence, *, admitted: bool) -> None:
    row.admitted_at = clock.database_now() if admitted else None
    row.save(update_fields=["admitted_at"])


def _told(row: HeimdallEvidence) -> Mapping[str, Any]:
    return {**row.snapshot(), "trials": row.trials, "successes": row.successes}
