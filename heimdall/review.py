"""Heimdall's part of the review."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from typing import Any

from governance import tallies
from governance.sections import Compared, Period, Section, Table
from heimdall import intervals, plots, rules, selectors, words
from heimdall.models import HeimdallPolicy
from heimdall.rules import Evidence
from heimdall.selectors import Decisions
from heimdall.serializers import HeimdallPolicySerializer
from heimdall.shapes import EvidenceSerializer

_NO_DECISIONS = Decisions(0, {})


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One domain in the review."""

    domain: str
    policy: HeimdallPolicy | None
    evidence: Evidence
    shown: Evidence
    shown_before: Evidence
    made: Decisions
    made_before: Decisions

    def lacking(self) -> list[str]:
        """Return what the domain still lacks for production use, in words."""
        if self.policy is None:
            return ["has no policy: an operator must create one"]
        charter = self.policy.charter()
        reasons = [] if charter.prod_use_enabled else [rules.PROD_USE_DISABLED]
        reasons += rules.unearned(charter, self.evidence)
        return [words.lacking(reason, charter, self.evidence) for reason in reasons]

    def has_sunk(self) -> bool:
        """Say whether production use is enabled, and the evidence does not bear it."""
        return (
            self.policy is not None
            and self.policy.prod_use_enabled
            and bool(rules.unearned(self.policy.charter(), self.evidence))
        )


def section(period: Period) -> Section:
    """Return each domain's policy, evidence and what it lacks; its trials and decisions against the period before."""
    lines = lines_of(period)
    tables = [
        Table(
            "Domains",
            ["Domain", "Production use", "Evidence", "Still lacks"],
            [[line.domain, _use(line), _told(line.evidence), "; ".join(line.lacking())] for line in lines],
            "There is no Heimdall policy: run seed_governance.",
        ),
        Table(
            "Trials and decisions",
            ["Domain", "Trials", "The period before", "Authorized", "Refused"],
            [_decided(line) for line in lines],
            "There is no Heimdall policy: run seed_governance.",
        ),
    ]
    sunk = [line for line in lines if line.has_sunk()]
    alarms = [f"{line.domain} is enabled for production use, and {'; '.join(line.lacking())}" for line in sunk]
    denied, before = _denied(line.made for line in lines), _denied(line.made_before for line in lines)
    plotted = plots.success_rates([line.policy for line in lines if line.policy], period)
    plotted += plots.refusals(denied, before)
    compared = [
        Compared("drifted", f"{line.domain} success rate", words.between(line.shown), words.between(line.shown_before))
        for line in lines
        if line.shown.trials or line.shown_before.trials
    ]
    refused = (tallies.spoken(sum(reasons.values())) for reasons in (denied, before))
    compared.append(Compared("denied", "Authorizations refused", *refused))
    return Section(
        "heimdall", "Heimdall", {"domains": [_data(line) for line in lines]}, tables, alarms, plotted, compared
    )


def _denied(made: Iterable[Decisions]) -> Counter[str]:
    """Return the refusals of every domain together, by reason."""
    total: Counter[str] = Counter()
    for decisions in made:
        total.update(decisions.denied)
    return total


def lines_of(period: Period) -> list[Line]:
    """Return each domain as it stands, with its period and the one before."""
    policies = {policy.domain: policy for policy in selectors.policies()}
    before = period.before()
    evidence = selectors.evidence_of(policies.values(), selectors.today())
    shown, shown_before = (selectors.shown_between(span.start, span.end) for span in (period, before))
    made, made_before = (selectors.decisions_between(span.start, span.end) for span in (period, before))
    return [
        Line(
            domain,
            policies.get(domain),
            evidence.get(domain, Evidence()),
            shown.get(domain, Evidence()),
            shown_before.get(domain, Evidence()),
            made.get(domain, _NO_DECISIONS),
            made_before.get(domain, _NO_DECISIONS),
        )
        for domain in sorted({*policies, *made, *made_before})
    ]


def _data(line: Line) -> dict[str, Any]:
    return {
        "domain": line.domain,
        "policy": HeimdallPolicySerializer(line.policy).data if line.policy else None,
        "evidence": EvidenceSerializer(line.evidence).data,
        "lacking": line.lacking(),
        "period": _span(line.shown, line.made),
        "period_before": _span(line.shown_before, line.made_before),
    }


def _span(shown: Evidence, made: Decisions) -> dict[str, Any]:
    return {
        "trials": shown.trials,
        "successes": shown.successes,
        "success_rate": shown.success_rate,
        "interval": intervals.wilson(shown.successes, shown.trials),
        "authorized": made.authorized,
        "denied": made.denied,
    }


def _use(line: Line) -> str:
    return "enabled" if line.policy and line.policy.prod_use_enabled else "OFF"


def _told(shown: Evidence) -> str:
    rate = shown.success_rate
    told = "no trial" if rate is None else f"{words.plain(rate)} of {shown.trials} trials"
    return told if shown.proof is None else f"{told}, {shown.proof.answer}"


def _decided(line: Line) -> list[str]:
    refused = ", ".join(f"{reason} {tallies.spoken(times)}" for reason, times in line.made.denied.items())
    authorized = tallies.spoken(line.made.authorized)
    return [line.domain, words.rated(line.shown), words.rated(line.shown_before), authorized, refused or "none"]
