"""Heimdall's Friday part of the review: what has earned production use, and what other thresholds would have done."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from governance.sections import Period, Plot, Section, Series, Suggested, Table
from heimdall import intervals, past, rules, selectors, words
from heimdall.models import HeimdallPolicy
from heimdall.rules import Evidence
from heimdall.serializers import OutcomeSerializer
from heimdall.shapes import EvidenceSerializer
from heimdall.what_if import History, Outcome, ladder

STEPS = tuple(map(Decimal, ("-0.10", "-0.05", "-0.02", "0", "0.02")))
GRID = tuple(Decimal(hundredths) / 100 for hundredths in range(50, 101, 2))
ENABLE = '{"prod_use_enabled": true}'
MOST_DRAWN = 12


@dataclasses.dataclass(frozen=True, slots=True)
class Candidate:
    """A domain, what it has shown, what was recorded of it, and what other confidences would have let through."""

    policy: HeimdallPolicy
    shown: Evidence
    week: Evidence
    history: History
    ladder: Sequence[tuple[Decimal, Outcome]]

    @property
    def lacking(self) -> list[str]:
        """Return what the evidence does not bear yet."""
        return rules.unearned(self.policy.charter(), self.shown)

    @property
    def has_earned(self) -> bool:
        """Say whether the evidence bears production use, which is off."""
        return not self.policy.prod_use_enabled and not self.lacking

    def outcomes(self, confidences: Iterable[Decimal]) -> list[tuple[Decimal, Outcome]]:
        """Return what each of ``confidences``, of the ladder's, would have let through, the lowest first."""
        asked = {*confidences, self.policy.min_confidence_prod}
        return [rung for rung in self.ladder if rung[0] in asked]

    def steps(self) -> list[tuple[Decimal, Outcome]]:
        """Return what a few steps from the confidence that is asked for would have let through."""
        return self.outcomes(_steps(self.policy))


def section(period: Period) -> Section:
    """Return the domains that have earned production use, with the evidence, and what other confidences would admit."""
    found = candidates(period)
    earned = [one for one in found if one.has_earned]
    tables = [
        Table(
            "Promotion",
            ["Domain", "Stands", "Shown", "This week", "Asked for"],
            [_promotion(one) for one in found],
            "There is no Heimdall policy: run seed_governance.",
        ),
        Table(
            "What another confidence would have let through",
            ["Domain", "Asked for", "Would have passed", "Against now", "The sandbox at that confidence", "Judged by"],
            [row for one in found for row in _ladder(one)],
            "There is no Heimdall policy: run seed_governance.",
        ),
    ]
    return Section(
        "heimdall_promotion",
        "Heimdall: promotion",
        {"earned": [one.policy.domain for one in earned], "domains": [_data(one) for one in found]},
        tables,
        plots=[_plot(one) for one in found if one.history.is_enough][:MOST_DRAWN],
        suggested=[
            Suggested(rules.SET_POLICY, one.policy.domain, f"Enable {one.policy.domain}", ENABLE) for one in earned
        ],
        links=[("Try other thresholds", "admin:heimdall_what_if")],
    )


def candidates(period: Period) -> list[Candidate]:
    """Return every domain that has a policy, by name."""
    policies = selectors.policies()
    evidence, week = (
        selectors.evidence_of(policies, selectors.today()),
        selectors.shown_between(period.start, period.end),
    )
    histories = past.histories(policies)
    return [
        Candidate(
            policy, evidence[policy.domain], week.get(policy.domain, Evidence()), histories[policy.domain],
            _climbed(policy, histories[policy.domain]),
        )
        for policy in policies
    ]  # fmt: skip


def _steps(policy: HeimdallPolicy) -> list[Decimal]:
    return [min(Decimal(1), max(Decimal(0), policy.min_confidence_prod + step)) for step in STEPS]


def _climbed(policy: HeimdallPolicy, history: History) -> list[tuple[Decimal, Outcome]]:
    """Return what every confidence that is told or drawn would have let through, in one reading of the history."""
    if not history.is_enough:
        return []
    asked = sorted({*_steps(policy), *GRID, policy.min_confidence_prod})
    return list(zip(asked, ladder(history, policy.charter(), asked), strict=True))


def _promotion(one: Candidate) -> list[str]:
    policy = one.policy
    if one.has_earned:
        stands = "EARNED: it can be enabled"
    elif policy.prod_use_enabled:
        stands = "in production, and not earned any more" if one.lacking else "in production"
    else:
        stands = "not yet: " + "; ".join(words.lacking(why, policy.charter(), one.shown) for why in one.lacking)
    asked = f"{words.plain(policy.min_sandbox_success_rate)} of {policy.min_sandbox_trials} trials"
    return [policy.domain, stands, words.rated(one.shown), words.rated(one.week), asked]


def _ladder(one: Candidate) -> list[list[str]]:
    domain, standing, rule = one.policy.domain, one.policy.min_confidence_prod, one.history.evidence_rule
    if not one.history.is_enough:
        return [[domain, words.plain(standing), words.too_few(len(one.history.recommendations)), "-", "-", rule]]
    return [
        [
            domain,
            f"{words.plain(asked)}{' (now)' if asked == standing else ''}",
            f"{outcome.passing} of {outcome.considered}",
            f"{more:+d}" if (more := outcome.passing - outcome.standing) else "the same",
            words.rated(Evidence(1, outcome.trials, outcome.successes)),
            rule,
        ]
        for asked, outcome in one.steps()
    ]


def _data(one: Candidate) -> dict[str, Any]:
    enough = one.history.is_enough
    steps = one.steps() if enough else []
    return {
        "domain": one.policy.domain,
        "earned": one.has_earned,
        "prod_use_enabled": one.policy.prod_use_enabled,
        "evidence": EvidenceSerializer(one.shown).data,
        "interval": intervals.wilson(one.shown.successes, one.shown.trials),
        "lacking": [words.lacking(why, one.policy.charter(), one.shown) for why in one.lacking],
        "recommendations": len(one.history.recommendations),
        "since": one.history.since,
        "evidence_rule": one.history.evidence_rule,
        "left_out": one.history.left_out,
        "enough": enough,
        "message": "" if enough else words.too_few(len(one.history.recommendations)),
        "what_if": [
            {"min_confidence_prod": asked, **OutcomeSerializer(outcome).data} for asked, outcome in steps
        ],
    }  # fmt: skip


def _plot(one: Candidate) -> Plot:
    standing, considered = one.policy.min_confidence_prod, len(one.history.recommendations)
    found = one.outcomes(GRID)
    shares = [outcome.passing / considered for _asked, outcome in found]
    return Plot(
        title=f"{one.policy.domain}: let through by the confidence asked for", kind="line", axis="Confidence asked for",
        labels=[words.plain(asked) for asked, _outcome in found],
        series=[
            Series(name="Would have passed", values=shares),
            Series(
                name="Succeeded in the sandbox", tone="green", dashed=True,
                values=[outcome.successes / outcome.trials if outcome.trials else None for _asked, outcome in found],
            ),
            Series(
                name="As it stands", tone="red", marks=True,
                values=[share if asked == standing else None for (asked, _), share in zip(found, shares, strict=True)],
            ),
        ],
        said=f"The share of the newest {considered} recommendations, were production use enabled, and the success rate "
        f"of the sandbox's newest trials that were at least as sure. {words.judged_by(one.history.evidence_rule)}",
        share=True,
    )  # fmt: skip
