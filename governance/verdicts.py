"""What a review ended in: a decision that is recorded with what stood at the time, and never changed."""

from __future__ import annotations

from django.db import transaction

from governance import audit, review
from governance.models import ReviewDecision

DECIDE = "review.decide"


@transaction.atomic
def decide(*, verdict: str, actor: str, reason: str) -> ReviewDecision:
    """Record that the review of the seven days up to now ended in ``verdict``; ``reason`` is its note."""
    period = review.last_week()
    told = ReviewDecision.objects.create(
        at=period.end,
        period_start=period.start,
        period_end=period.end,
        verdict=verdict,
        note=reason,
        decided_by=actor,
        alarms=review.alarms(review.sections(period)),
    )
    audit.record(
        action=DECIDE,
        target="",
        actor=actor,
        reason=reason,
        after={"verdict": told.verdict, "decision": told.pk, "from": told.period_start, "to": told.period_end},
    )
    return told
