"""Heimdall's plots of the review: each domain's success rate by day with its interval, and refusals by reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from governance import tallies
from governance.sections import Period, Plot, Series
from heimdall import intervals, selectors
from heimdall.models import HeimdallPolicy
from heimdall.rules import Evidence

MOST_DRAWN = 12


def success_rates(policies: Iterable[HeimdallPolicy], period: Period) -> list[Plot]:
    """Return the success rate of each domain that had a trial, by day of the period and of the one before.

    The first ``MOST_DRAWN`` domains are drawn.
    """
    days = period.before().days() + period.days()
    cards = selectors.cards_between(days[0], days[-1])
    return [
        _rates(policy, [f"{day:%m-%d}" for day in days], [cards[policy.domain].get(day, Evidence()) for day in days])
        for policy in policies
        if policy.domain in cards
    ][:MOST_DRAWN]


def refusals(denied: Mapping[str, int], before: Mapping[str, int]) -> list[Plot]:
    """Return the refusals by reason as bars; no plot where nothing was refused."""
    reasons = sorted({*denied, *before}, key=lambda reason: (-denied.get(reason, 0), reason))
    if not reasons:
        return []
    return [
        Plot(
            title="Refused authorizations by reason", kind="bar", axis="Reason",
            labels=[reason.replace("_", " ") for reason in reasons],
            series=[
                Series(name="This week", values=[denied.get(reason, 0) for reason in reasons], tone="orange"),
                Series(name="The week before", values=[before.get(reason, 0) for reason in reasons], tone="grey"),
            ],
            said=f"This week beside the week before; at most {tallies.MOST:,} of a reason and domain are counted.",
        )
    ]  # fmt: skip


def _rates(policy: HeimdallPolicy, labels: Sequence[str], shown: Sequence[Evidence]) -> Plot:
    bounds = [intervals.wilson(day.successes, day.trials) for day in shown]
    return Plot(
        title=f"{policy.domain}: success rate of the sandbox by day", kind="line", axis="Day (UTC)", labels=labels,
        series=[
            Series(name="Lower bound", values=[low[0] if low else None for low in bounds], tone="blue", dashed=True),
            Series(
                name="Upper bound", values=[high[1] if high else None for high in bounds], tone="blue", dashed=True,
                band=True,
            ),
            Series(name="Success rate", values=[day.successes / day.trials if day.trials else None for day in shown]),
            Series(
                name="Asked for", values=[float(policy.min_sandbox_success_rate)] * len(labels), tone="red", dashed=True
            ),
        ],
        said=f"Of the day's trials, with the {intervals.SOURCE}, and the rate that the policy asks for.",
        share=True,
    )  # fmt: skip
