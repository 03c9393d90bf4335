"""Reads of Heimdall; they write nothing and lock nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Collection, Iterable, Iterator

from django.db.models import Sum

from governance import clock, rows, tallies
from governance.sections import Period
from heimdall import rules
from heimdall.models import (
    HeimdallEvent,
    HeimdallEvidence,
    HeimdallPolicy,
    HeimdallRecommendation,
    HeimdallScorecardDay,
)
from heimdall.rules import Evidence, utc_day, window

Kind = HeimdallEvent.Kind
# In plain SQL, since every decision asks it: to make it of a queryset takes longer than to run it.
POLICY = "SELECT * FROM heimdall_policy WHERE domain = %s"


@dataclasses.dataclass(frozen=True, slots=True)
class Decisions:
    """A domain's authorizations in a period, and its refusals by reason."""

    authorized: int
    denied: dict[str, int]


def today() -> dt.date:
    """Return the UTC day of the database's clock."""
    return utc_day(clock.database_now())


def policies(*, retired: bool = False) -> list[HeimdallPolicy]:
    """Return the policies in use by domain, or those that are retired."""
    return list(HeimdallPolicy.objects.filter(retired_at__isnull=not retired).order_by("domain"))


def policy(domain: str) -> HeimdallPolicy | None:
    """Return the policy of ``domain``, if it has one."""
    return rows.one(HeimdallPolicy, POLICY, [domain])


def engines_of(domains: Iterable[str]) -> Iterator[str]:
    """Yield the engines that act on ``domains``; without a policy it is the domain's name. Asks when it is read."""
    wanted = list(domains)
    named = dict(HeimdallPolicy.objects.filter(domain__in=wanted).values_list("domain", "engine"))
    yield from (named.get(domain, domain) for domain in wanted)


def engines_behind(recommendation_ids: Iterable[int]) -> Iterator[str]:
    """Yield the engines that would act on recommendations; one that does not exist has none. Asks when it is read."""
    found = HeimdallRecommendation.objects.filter(pk__in=recommendation_ids)
    yield from engines_of(found.values_list("domain", flat=True))


def newest_event_at() -> dt.datetime | None:
    """Return the time of the newest event, None where there is none."""
    return HeimdallEvent.objects.order_by("-pk").values_list("at", flat=True).first()


@dataclasses.dataclass(frozen=True, slots=True)
class Today:
    """A domain's scorecard of today, with the evidence that it is judged by (None without a policy)."""

    scorecard: HeimdallScorecardDay
    evidence: Evidence | None


def scorecards_today() -> list[Today]:
    """Return today's scorecard of every domain that had a trial, by domain."""
    day = today()
    cards = list(HeimdallScorecardDay.objects.filter(day=day).order_by("domain"))
    shown = evidence_of(list(HeimdallPolicy.objects.filter(domain__in=[card.domain for card in cards])), day)
    return [Today(card, shown.get(card.domain)) for card in cards]


def evidence(policy: HeimdallPolicy | None, day: dt.date) -> Evidence:
    """Return what the policy's domain has shown, by its evidence rule, up to and with ``day``; without one, nothing.

    Under POINT that is within the window; under ANYTIME since the start, which is one row.
    """
    if policy is None:
        return Evidence()
    if policy.evidence_rule == rules.ANYTIME:
        return _since_start(policy, HeimdallEvidence.objects.filter(domain=policy.domain).first(), day)
    first, last = window(day, policy.evidence_days)
    cards = HeimdallScorecardDay.objects.filter(domain=policy.domain, day__gte=first, day__lte=last).order_by()
    total = cards.aggregate(trials=Sum("trials"), successes=Sum("successes"))
    return Evidence(policy.evidence_days, total["trials"] or 0, total["successes"] or 0)


def evidence_of(every: Collection[HeimdallPolicy], day: dt.date) -> dict[str, Evidence]:
    """Return the evidence of each policy's domain, by its rule, up to and with ``day``: two queries at most."""
    anytime = [policy for policy in every if policy.evidence_rule == rules.ANYTIME]
    found = _within_window([policy for policy in every if policy.evidence_rule == rules.POINT], day)
    if anytime:
        rows = HeimdallEvidence.objects.in_bulk([policy.domain for policy in anytime], field_name="domain")
        found |= {policy.domain: _since_start(policy, rows.get(policy.domain), day) for policy in anytime}
    return found


def _since_start(policy: HeimdallPolicy, row: HeimdallEvidence | None, day: dt.date) -> Evidence:
    """Return what ANYTIME judges by; a domain without a row has shown nothing yet."""
    row = row or HeimdallEvidence(domain=policy.domain, started_at=policy.created_at)
    proof = rules.proof(policy.charter(), row.shown, row.started_at)
    return Evidence(max(1, (day - utc_day(row.started_at)).days + 1), row.trials, row.successes, proof)


def _within_window(every: Collection[HeimdallPolicy], day: dt.date) -> dict[str, Evidence]:
    windows = {policy.domain: window(day, policy.evidence_days) for policy in every}
    if not windows:
        return {}
    found = {domain: Evidence((last - first).days + 1) for domain, (first, last) in windows.items()}
    earliest = min(first for first, _last in windows.values())
    cards = HeimdallScorecardDay.objects.filter(domain__in=windows, day__gte=earliest, day__lte=day).order_by()
    for card in cards:
        if card.day >= windows[card.domain][0]:
            known = found[card.domain]
            found[card.domain] = Evidence(known.days, known.trials + card.trials, known.successes + card.successes)
    return found


def outcomes(domain: str, most: int) -> list[tuple[float, bool]]:
    """Return confidence and success of the domain's newest recommendations whose outcome is known, ``most`` of them."""
    known = HeimdallRecommendation.objects.filter(domain=domain, outcome__isnull=False).order_by("-pk")
    return [(confidence, bool(success)) for confidence, success in known.values_list("confidence", "outcome")[:most]]


def shown_between(start: dt.datetime, end: dt.datetime) -> dict[str, Evidence]:
    """Return each domain's trials and successes of the days that stand for the time from ``start`` up to ``end``."""
    days = Period(start, end).days()
    cards = HeimdallScorecardDay.objects.filter(day__gte=days[0], day__lte=days[-1]).order_by().values("domain")
    totals = cards.annotate(tried=Sum("trials"), succeeded=Sum("successes"))
    return {row["domain"]: Evidence(len(days), row["tried"], row["succeeded"]) for row in totals}


def cards_between(first: dt.date, last: dt.date) -> dict[str, dict[dt.date, Evidence]]:
    """Return what each domain has shown on each day from ``first`` to ``last`` on which it had a trial."""
    found: dict[str, dict[dt.date, Evidence]] = {}
    for card in HeimdallScorecardDay.objects.filter(day__gte=first, day__lte=last, trials__gt=0).order_by():
        found.setdefault(card.domain, {})[card.day] = Evidence(1, card.trials, card.successes)
    return found


def decisions_between(start: dt.datetime, end: dt.datetime) -> dict[str, Decisions]:
    """Return each domain's authorizations and refusals from ``start`` up to ``end``, the frequent reasons first.

    At most ``tallies.MOST`` are counted of each reason.
    """
    kinds = ["domain", "kind", "reason"]
    made: dict[str, Decisions] = {}
    counted = tallies.counted("heimdall_event", kinds, "kind IN ('AUTHORIZE', 'DENY')", start, end)
    for (domain, kind, reason), times in counted.items():
        before = made.get(domain, Decisions(0, {}))
        if kind == Kind.AUTHORIZE:
            made[domain] = Decisions(before.authorized + times, before.denied)
        else:
            made[domain] = Decisions(before.authorized, {**before.denied, reason: times})
    return made
