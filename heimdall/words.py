"""Decisions in words, made from their figures, here and nowhere else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from governance import tallies
from heimdall import intervals, rules
from heimdall.rules import Charter, Evidence, Proof
from heimdall.what_if import LEAST, History, Outcome

if TYPE_CHECKING:
    from heimdall.models import HeimdallEvidence


def judged(reason: str, domain: str, charter: Charter | None, confidence: float, evidence: Evidence) -> str:
    """Say what a recommendation of ``domain`` lacks, or that it passes."""
    if charter is None or reason == rules.POLICY_MISSING:
        return f"There is no Heimdall policy for {domain}: an operator must create one."
    if reason == rules.CONFIDENCE_BELOW:
        return f"{domain} needs a confidence of {plain(charter.min_confidence_prod)}, has {confidence!r}."
    if reason == rules.GATE_PASS:
        return f"{domain} has earned production use: {_shown(evidence)}."
    return f"{domain} {lacking(reason, charter, evidence)}."


def lacking(reason: str, charter: Charter, evidence: Evidence) -> str:
    """Say what a domain lacks, as the rest of a sentence that its name begins."""
    if reason == rules.PROD_USE_DISABLED:
        return "is not enabled for production use: an operator must enable it"
    if evidence.proof is not None:
        return _unproved(reason, charter, evidence, evidence.proof)
    days = f"in the last {evidence.days} day(s)"
    if reason == rules.TOO_FEW_TRIALS:
        return f"needs {charter.min_sandbox_trials} sandbox trials {days}, has {evidence.trials}"
    needed = plain(charter.min_sandbox_success_rate)
    return f"needs a sandbox success rate of {needed} {days}, has {_shown(evidence)}"


def _unproved(reason: str, charter: Charter, evidence: Evidence, proof: Proof) -> str:
    """Say what ANYTIME misses, and how many trials more would do at the present rate."""
    asked = plain(charter.min_sandbox_success_rate)
    since = f"{_shown(evidence)} since {proof.started_at.astimezone(dt.UTC):%Y-%m-%d %H:%M UTC}"
    if reason == rules.RATE_BELOW:
        return f"is shown to be below a sandbox success rate of {asked}: has {since}"
    if proof.trials_needed is not None:
        more = f", which takes about {proof.trials_needed:,} more trials at this rate"
    else:
        more = ", which no number of trials would prove at this rate" if evidence.trials else ""
    return f"lacks proof that its sandbox success rate is above {asked}{more}: has {since}"


def restarting(row: HeimdallEvidence, _patch: Mapping[str, Any]) -> list[str]:
    """Say what a restart does."""
    said = [f"The {row.trials:,} trials since {row.started_at.astimezone(dt.UTC):%Y-%m-%d} count no more."]
    if row.admitted:
        said.append("The domain's admission ends with it.")
    if row.trials:
        said.append("More evidence is asked for after each restart, so that restarting never makes luck likelier.")
    return said


def used(recommendation_id: int, at: dt.datetime, by: str) -> str:
    """Say when, and by whom, a recommendation was authorized before."""
    moment = f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M UTC}"
    return f"Recommendation {recommendation_id} was authorized at {moment} by {by}: it works once, ask for a new one."


def learned(recommendation_id: int, domain: str, *, success: bool) -> str:
    """Say what is known now."""
    return f"Recommendation {recommendation_id} of {domain} {'succeeded' if success else 'failed'}: recorded."


def not_authorized(recommendation_id: int) -> str:
    """Say that nothing can have come of a recommendation that may not act."""
    return f"Recommendation {recommendation_id} was never authorized: only what was let act has an outcome."


def told_already(recommendation_id: int, at: dt.datetime, by: str, *, success: bool) -> str:
    """Say that the outcome is known, and is another."""
    moment = f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M UTC}"
    known = "a success" if success else "a failure"
    return f"Recommendation {recommendation_id} was {known}, as {by} told at {moment}: an outcome is told once."


def held(scope: str, code: str, reason: str) -> str:
    """Say what holds."""
    return reason or f"{scope} is held: {code}."


def busy(recommendation_id: int) -> str:
    """Say that the lock was not to be had in time."""
    return f"Recommendation {recommendation_id} was busy and nothing was authorized: try again."


def decided(authorized: int, denied: Mapping[str, int]) -> str:
    """Return decisions by their result: ``12 authorized, 3 prod use disabled``."""
    refused = [f"{tallies.spoken(times)} {reason.replace('_', ' ')}" for reason, times in denied.items()]
    return ", ".join([f"{tallies.spoken(authorized)} authorized", *refused])


def rated(shown: Evidence) -> str:
    """Return a success rate with its interval, and of how many trials it is."""
    return f"{between(shown)} of {shown.trials:,} trials" if shown.trials else between(shown)


def between(shown: Evidence) -> str:
    """Return a success rate with its interval."""
    bounds = intervals.wilson(shown.successes, shown.trials)
    if bounds is None:
        return "no trial"
    return f"{shown.successes / shown.trials:.3f} ({bounds[0]:.3f} to {bounds[1]:.3f})"


def too_few(recommendations: int) -> str:
    """Say that so many recommendations tell nothing."""
    return f"too few to tell: {recommendations} recommendation(s) are recorded, {LEAST} are needed"


def would_pass(history: History, outcome: Outcome) -> str:
    """Say what other thresholds would have let through, or that nothing can be told."""
    if history.since is None or not history.is_enough:
        return f"{too_few(outcome.considered).capitalize()}.{_left_out(history)}"
    sure = rated(Evidence(1, outcome.trials, outcome.successes))
    return (
        f"Of the newest {outcome.considered} recommendations, since {history.since.astimezone(dt.UTC):%Y-%m-%d}, "
        f"{outcome.passing} would have passed: {outcome.gained} that do not as it stands, and {outcome.lost} that do "
        f"would not. {judged_by(history.evidence_rule)}{_left_out(history)} Where the sandbox was at least as sure, it "
        f"succeeded at {sure}."
    )


def judged_by(evidence_rule: str) -> str:
    """Say by which rule a what-if judges."""
    if evidence_rule == rules.ANYTIME:
        return "The evidence is judged by ANYTIME: all trials since each start, looked at after every one."
    return "The evidence is judged by POINT: the trials of the evidence window, as they stood."


def _left_out(history: History) -> str:
    return f" {history.left_out} more, recorded under the other rule, are left out." if history.left_out else ""


def plain(share: Decimal) -> str:
    """Return a share without the column's trailing zeros: 0.920000 is 0.92."""
    return f"{share.normalize():f}"


def _shown(evidence: Evidence) -> str:
    rate = evidence.success_rate
    if rate is None:
        return "no trial"
    return f"{plain(rate)} ({evidence.successes} of {evidence.trials} trials)"
