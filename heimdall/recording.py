"""One event for each decision, with the figures that it was made on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from heimdall.models import HeimdallEvent, HeimdallPolicy, HeimdallRecommendation
from heimdall.rules import Evidence, utc_day


def event(
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
    """Append the event of a decision, in the caller's transaction."""
    HeimdallEvent.objects.create(
        at=now, day=utc_day(now), kind=kind, domain=domain, recommendation=recommendation, confidence=confidence,
        success=success, reason=reason, actor=actor, figures=figures or {},
    )  # fmt: skip


def figures(policy: HeimdallPolicy | None, shown: Evidence) -> dict[str, Any]:
    """Return what a decision saw, in integers, booleans and text."""
    return {"policy": policy.snapshot() if policy else None, "scorecard": scorecard(shown)}


def scorecard(shown: Evidence) -> dict[str, Any]:
    """Return the evidence; under ANYTIME with the start that it counts from and the answer that it gives."""
    counts = {"days": shown.days, "trials": shown.trials, "successes": shown.successes}
    return counts if shown.proof is None else {**counts, "start": shown.proof.start, "answer": shown.proof.answer}
