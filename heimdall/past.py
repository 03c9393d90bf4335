"""What was recorded of each domain, for what-ifs. It reads as much whatever the tables hold."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import OuterRef, Q, QuerySet, Subquery

from governance.models import AuditEvent
from heimdall import anytime, legs, rules
from heimdall.legs import Leg, Start
from heimdall.models import HeimdallEvent, HeimdallEvidence, HeimdallPolicy, HeimdallRecommendation
from heimdall.rules import Evidence
from heimdall.what_if import History, Recorded

MOST_RECOMMENDATIONS, MOST_EVENTS = 500, 1_000  # of a domain, the newest
MOST_RESTARTS = 1_000  # of all domains, the newest
Kind = HeimdallEvent.Kind


class _Trial(NamedTuple):
    pk: int
    at: dt.datetime
    confidence: float
    success: bool


class _Wanted(NamedTuple):
    """A recommendation with the event that it was judged in."""

    pk: int
    at: dt.datetime
    confidence: float
    figures: Mapping[str, Any]


def histories(policies: Iterable[HeimdallPolicy]) -> dict[str, History]:
    """Return each domain's newest recommendations, and the trials among its newest events.

    Three queries, and two more where ANYTIME judges one of them: that judges by the trials since each start.
    """
    standing = {policy.domain: policy for policy in policies}
    wanted = _newest(HeimdallRecommendation.objects.all(), MOST_RECOMMENDATIONS)
    events = _newest(HeimdallEvent.objects.all(), MOST_EVENTS)
    first = HeimdallPolicy.objects.filter(domain__in=standing).annotate(wanted=wanted, events=events)
    bounds = {domain: (pk, event) for domain, pk, event in first.values_list("domain", "wanted", "events")}
    if not bounds:
        return {}
    starts = _starts([policy for policy in standing.values() if policy.evidence_rule == rules.ANYTIME])
    found: dict[str, list[_Wanted]] = {domain: [] for domain in standing}
    recommended = HeimdallRecommendation.objects.filter(_since((domain, pk) for domain, (pk, _e) in bounds.items()))
    judged = recommended.filter(heimdallevent__kind=Kind.RECOMMEND).order_by("pk")
    told = ("heimdallevent__pk", "created_at", "confidence", "heimdallevent__figures")
    for domain, *row in judged.values_list("domain", *told):
        found[domain].append(_Wanted(*row))
    trials: dict[str, list[_Trial]] = {domain: [] for domain in standing}
    tried = HeimdallEvent.objects.filter(_since((domain, pk) for domain, (_r, pk) in bounds.items()), kind=Kind.TRIAL)
    ended = tried.order_by("pk").values_list("domain", "pk", "at", "confidence", "success")
    for domain, pk, at, confidence, success in ended:
        # A trial has both, and the database sees to it.
        trials[domain].append(_Trial(pk, at, float(confidence or 0), bool(success)))
    return {
        domain: _since_starts(starts[domain], found[domain], trials[domain], bounds[domain][1] or 0)
        if domain in starts
        else _within_windows(found[domain], trials[domain])
        for domain in standing
    }


def _within_windows(found: Sequence[_Wanted], trials: Sequence[_Trial]) -> History:
    """Return what POINT judges by: the evidence that was recorded; one that ANYTIME judged has no window."""
    windowed = [one for one in found if "start" not in one.figures["scorecard"]]
    return History(
        windowed[0].at if windowed else None,
        [Recorded(one.confidence, _evidence(one.figures["scorecard"])) for one in windowed],
        [(trial.confidence, trial.success) for trial in trials],
        left_out=len(found) - len(windowed),
    )


def _since_starts(starts: Sequence[Start], found: Sequence[_Wanted], trials: Sequence[_Trial], bound: int) -> History:
    """Return what ANYTIME judges by: the way of the trials, and where on it each recommendation stood.

    One from before the events that are read stands by what was recorded of it, if ANYTIME judged it then: by its counts
    as they were, and by an admission that the rate asked for then had earned.
    """
    way = legs.way(starts, [legs.Outcome(trial.at, trial.success) for trial in trials])
    every, recorded, seen = list(way.legs), list[tuple[_Wanted, Recorded]](), 0
    for one in found:
        if one.pk >= bound:
            while seen < len(trials) and trials[seen].pk < one.pk:
                seen += 1
            place = way.place(seen, one.at)
        elif "start" in one.figures["scorecard"]:
            place = len(every), 0
            every.append(_leg(one.figures))
        else:
            continue
        recorded.append((one, Recorded(one.confidence, _evidence(one.figures["scorecard"]), place)))
    return History(
        recorded[0][0].at if recorded else None,
        [told for _one, told in recorded],
        [(trial.confidence, trial.success) for trial in trials],
        rules.ANYTIME,
        every,
        len(found) - len(recorded),
    )


def _starts(policies: Sequence[HeimdallPolicy]) -> dict[str, list[Start]]:
    """Return each domain's starts with what they had shown at their end, or now, the newest first."""
    if not policies:
        return {}
    rows = HeimdallEvidence.objects.in_bulk([policy.domain for policy in policies], field_name="domain")
    found: dict[str, list[Start]] = {}
    for policy in policies:
        row = rows.get(policy.domain) or HeimdallEvidence(domain=policy.domain)
        # Raising the rate asked for ends an admission, so one that stands holds by the present rate.
        admitted = row.admitted_at, policy.min_sandbox_success_rate
        found[policy.domain] = [Start(row.start, row.trials, row.successes, None, *admitted)]
    restarts = AuditEvent.objects.filter(action=rules.RESTART, target__in=found, outcome=AuditEvent.Outcome.APPLIED)
    newest = restarts.order_by("-pk").values_list("target", "at", "before")[:MOST_RESTARTS]
    for domain, at, before in newest:
        found[domain][-1] = found[domain][-1]._replace(began=at)
        if before is not None:  # a restart always tells what ends with it
            found[domain].append(Start(before["start"], before["trials"], before["successes"]))
    return found


def _newest(rows: QuerySet[Any], most: int) -> Subquery:
    """Return the id from which on the newest ``most`` rows of a domain are; none where there are fewer."""
    return Subquery(rows.filter(domain=OuterRef("domain")).order_by("-pk").values("pk")[most - 1 : most])


def _since(bounds: Iterable[tuple[str, int | None]]) -> Q:
    wanted = Q()
    for domain, pk in bounds:
        wanted |= Q(domain=domain, pk__gte=pk or 0)
    return wanted


def _evidence(scorecard: Mapping[str, Any]) -> Evidence:
    return Evidence(scorecard["days"], scorecard["trials"], scorecard["successes"])


def _leg(figures: Mapping[str, Any]) -> Leg:
    """Return where a recommendation stood that ANYTIME judged when it came."""
    scorecard = figures["scorecard"]
    admitted = scorecard["answer"] == anytime.ELIGIBLE
    by = Decimal(figures["policy"]["min_sandbox_success_rate"]) if admitted else None
    return Leg(scorecard["start"], scorecard["trials"], scorecard["successes"], (), by)
