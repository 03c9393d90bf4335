"""Reads of Heimdall; they write nothing and lock nothing."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Iterator

from django.db.models import Sum

from governance import clock, tallies
from heimdall.models import HeimdallEvent, HeimdallPolicy, HeimdallRecommendation, HeimdallScorecardDay
from heimdall.rules import Evidence, days_of, utc_day, window

Kind = HeimdallEvent.Kind


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
    return HeimdallPolicy.objects.filter(domain=domain).first()


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


def scorecard_today() -> list[HeimdallScorecardDay]:
    """Return today's scorecard of every domain that had a trial, by domain."""
    return list(HeimdallScorecardDay.objects.filter(day=today()).order_by("domain"))


def evidence(policy: HeimdallPolicy | None, day: dt.date) -> Evidence:
    """Return what the policy's domain has shown in its window up to and with ``day``; without a policy, nothing."""
    if policy is None:
        return Evidence()
    first, last = window(day, policy.evidence_days)
    cards = HeimdallScorecardDay.objects.filter(domain=policy.domain, day__gte=first, day__lte=last).order_by()
    total = cards.aggregate(trials=Sum("trials"), successes=Sum("successes"))
    return Evidence(policy.evidence_days, total["trials"] or 0, total["successes"] or 0)


def evidence_of(every: Iterable[HeimdallPolicy], day: dt.date) -> dict[str, Evidence]:
    """Return the evidence of each policy's domain up to and with ``day``: one query, a row a domain and day."""
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


def shown_between(start: dt.datetime, end: dt.datetime) -> dict[str, Evidence]:
    """Return each domain's trials and successes of the days that stand for the time from ``start`` up to ``end``."""
    first, last = days_of(start, end)
    cards = HeimdallScorecardDay.objects.filter(day__gte=first, day__lte=last).order_by().values("domain")
    totals = cards.annotate(tried=Sum("trials"), succeeded=Sum("successes"))
    days = (last - first).days + 1
    return {row["domain"]: Evidence(days, row["tried"], row["succeeded"]) for row in totals}


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
