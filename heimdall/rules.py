"""The law of the charter: what a recommendation must show before it may act. Pure functions on values, all exact."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any

from governance import overrides
from heimdall import anytime
from heimdall.anytime import ELIGIBLE, INCONCLUSIVE, INELIGIBLE, Shown

SET_POLICY = "heimdall.policy.set"
RESTART = "heimdall.evidence.restart"

POINT, ANYTIME = "POINT", "ANYTIME"

GATE_PASS = "gate_pass"  # noqa: S105 -- a reason, not a secret
POLICY_MISSING = "policy_missing"
PROD_USE_DISABLED = "prod_use_disabled"
CONFIDENCE_BELOW = "confidence_below_threshold"
TOO_FEW_TRIALS = "insufficient_sandbox_trials"
RATE_BELOW = "sandbox_success_rate_below_threshold"
ALREADY_USED = "already_used"
BUSY = "busy"
RECORDED = "recorded"
NOT_AUTHORIZED = "not_authorized"
OUTCOME_METRIC = "recommendation_success"

THRESHOLDS = ("min_confidence_prod", "min_sandbox_trials", "min_sandbox_success_rate")
CONTROLS = ("engine", *THRESHOLDS, "prod_use_enabled", "evidence_days", "evidence_rule", "outcome_metric")
# What an end takes back: of the rest neither value is known to be the looser.
ENDING = frozenset({*THRESHOLDS, "prod_use_enabled"})
_EITHER_WAY = {"engine", "evidence_days", "evidence_rule", "outcome_metric"}
_SIX_PLACES = Decimal("0.000001")
_DAY = dt.timedelta(days=1)


@dataclasses.dataclass(frozen=True, slots=True)
class Charter:
    """What a domain's policy asks for; the evidence is that of ``evidence_days`` UTC days up to and with today."""

    prod_use_enabled: bool
    min_confidence_prod: Decimal
    min_sandbox_trials: int
    min_sandbox_success_rate: Decimal
    evidence_days: int


@dataclasses.dataclass(frozen=True, slots=True)
class Proof:
    """What ANYTIME says of the trials since the ``start``-th start: ELIGIBLE, INELIGIBLE or INCONCLUSIVE.

    ``trials_needed`` more at the present rate would make the domain eligible; None: no number of them would.
    """

    start: int
    started_at: dt.datetime
    answer: str
    trials_needed: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Evidence:
    """What a domain has shown in the sandbox over ``days`` UTC days; with ``proof`` where ANYTIME judges it."""

    days: int = 1
    trials: int = 0
    successes: int = 0
    proof: Proof | None = None

    @property
    def success_rate(self) -> Decimal | None:
        """Return the rate to six places; None where there is no trial."""
        return rate(self.successes, self.trials)


def rate(successes: int, trials: int) -> Decimal | None:
    """Return ``successes / trials`` for a person to read: six places, rounded down, so that it never reads too high."""
    if trials == 0:
        return None
    return (Decimal(successes) / trials).quantize(_SIX_PLACES, rounding=ROUND_DOWN).normalize()


def gate(charter: Charter | None, confidence: float, evidence: Evidence) -> str:
    """Return ``gate_pass``, or the first reason for which a recommendation may not act."""
    if charter is None:
        return POLICY_MISSING
    if not charter.prod_use_enabled:
        return PROD_USE_DISABLED
    if not confident(confidence, charter.min_confidence_prod):
        return CONFIDENCE_BELOW
    return next(iter(unearned(charter, evidence)), GATE_PASS)


def unearned(charter: Charter, evidence: Evidence) -> list[str]:
    """Return what the sandbox has not shown yet: too few trials, too low a rate, or both.

    Under ANYTIME it is one of them: trials that prove nothing yet are too few, and a rate that is proved to be below.
    """
    if evidence.proof is not None:
        return {INCONCLUSIVE: [TOO_FEW_TRIALS], INELIGIBLE: [RATE_BELOW]}.get(evidence.proof.answer, [])
    lacking = [TOO_FEW_TRIALS] if evidence.trials < charter.min_sandbox_trials else []
    return lacking if successful(evidence, charter.min_sandbox_success_rate) else [*lacking, RATE_BELOW]


def proof(charter: Charter, shown: Shown, started_at: dt.datetime) -> Proof:
    """Return what ANYTIME says of ``shown``, and how many trials are needed yet."""
    rate = float(charter.min_sandbox_success_rate)
    said, missing = answer(charter, shown), max(0, charter.min_sandbox_trials - shown.trials)
    if anytime.verdict(shown, rate) == ELIGIBLE:
        return Proof(shown.start, started_at, said, missing)
    more = anytime.trials_needed(shown, rate)
    return Proof(shown.start, started_at, said, None if more is None else max(more, missing))


def answer(charter: Charter, shown: Shown) -> str:
    """Return what ANYTIME answers; ``min_sandbox_trials`` stays the least that it says yes on."""
    said = anytime.verdict(shown, float(charter.min_sandbox_success_rate))
    return INCONCLUSIVE if said == ELIGIBLE and shown.trials < charter.min_sandbox_trials else said


def confident(confidence: float, threshold: Decimal) -> bool:
    """Say whether ``confidence`` is at least ``threshold``: the double 0.92 is the number that it is written as."""
    return Decimal(repr(confidence)) >= threshold


def successful(evidence: Evidence, threshold: Decimal) -> bool:
    """Say whether the rate is at least ``threshold``, without dividing; no trial shows no rate above 0."""
    if evidence.trials == 0:
        return threshold == 0
    return evidence.successes >= threshold * evidence.trials


def loosens(standing: Mapping[str, Any], patch: Mapping[str, Any]) -> frozenset[str]:
    """Name the fields of ``patch`` that loosen a policy.

    A threshold lowered, production use enabled, a retired policy brought back; and what evidence counts, how it is
    judged, whose holds apply or which tripwire hears the outcomes, changed either way: neither rule is the stricter one
    on every day.
    """
    looser = {name for name, value in patch.items() if name != "until" and is_looser(name, value, standing[name])}
    return overrides.with_end(looser, standing, patch, ENDING)


def is_looser(name: str, value: Any, than: Any) -> bool:
    """Say whether a control's ``value`` is looser ``than`` another one, or may be."""
    if name in THRESHOLDS:
        return bool(value < than)
    if name == "prod_use_enabled":
        return bool(value and not than)
    return bool(than and not value) if name == "retired" else bool(name in _EITHER_WAY and value != than)


def restart_loosens(standing: Mapping[str, Any], _patch: Mapping[str, Any]) -> frozenset[str]:
    """Name what a restart loosens: it takes an admission away, and else drops what speaks against the domain."""
    return frozenset() if standing["admitted"] else frozenset({"start"})


def window(today: dt.date, days: int) -> tuple[dt.date, dt.date]:
    """Return the first and the last of the ``days`` days up to and with ``today``."""
    return today - _DAY * (days - 1), today


def utc_day(moment: dt.datetime) -> dt.date:
    """Return the UTC day of an aware ``moment``."""
    return moment.astimezone(dt.UTC).date()
