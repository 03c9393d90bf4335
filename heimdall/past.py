"""What was recorded of each domain, for what-ifs. It reads as much whatever the tables hold."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from heimdall.models import HeimdallEvent, HeimdallPolicy, HeimdallRecommendation
from heimdall.rules import Evidence
from heimdall.what_if import History, Recorded

MOST_RECOMMENDATIONS, MOST_EVENTS = 500, 1_000  # of a domain, the newest
Kind = HeimdallEvent.Kind


def histories(policies: Iterable[HeimdallPolicy]) -> dict[str, History]:
    """Return each domain's newest recommendations, and the trials among its newest events, in three queries."""
    domains = [policy.domain for policy in policies]
    wanted = _newest(HeimdallRecommendation.objects.all(), MOST_RECOMMENDATIONS)
    events = _newest(HeimdallEvent.objects.all(), MOST_EVENTS)
    first = HeimdallPolicy.objects.filter(domain__in=domains).annotate(wanted=wanted, events=events)
    bounds = list(first.values_list("domain", "wanted", "events"))
    if not bounds:
        return {}
    recommended = HeimdallRecommendation.objects.filter(_since((domain, pk) for domain, pk, _event in bounds))
    judged = recommended.filter(heimdallevent__kind=Kind.RECOMMEND).order_by("pk")
    found: dict[str, list[Any]] = {domain: [] for domain in domains}
    for domain, *told in judged.values_list("domain", "created_at", "confidence", "heimdallevent__figures__scorecard"):
        found[domain].append(told)
    trials: dict[str, list[tuple[float, bool]]] = {domain: [] for domain in domains}
    tried = HeimdallEvent.objects.filter(_since((domain, pk) for domain, _rec, pk in bounds), kind=Kind.TRIAL)
    for domain, confidence, success in tried.order_by("pk").values_list("domain", "confidence", "success"):
        trials[domain].append((float(confidence or 0), bool(success)))  # a trial has both, and the database sees to it
    return {
        domain: History(
            found[domain][0][0] if found[domain] else None,
            [Recorded(confidence, _evidence(scorecard)) for _at, confidence, scorecard in found[domain]],
            trials[domain],
        )
        for domain in domains
    }


def _newest(rows: QuerySet[Any], most: int) -> Subquery:
    """Return the id from which on the newest ``most`` rows of a domain are; none where there are fewer."""
    return Subquery(rows.filter(domain=OuterRef("domain")).order_by("-pk").values("pk")[most - 1 : most])


def _since(bounds: Iterable[tuple[str, int | None]]) -> Q:
    wanted = Q()
    for domain, pk in bounds:
        wanted |= Q(domain=domain, pk__gte=pk or 0)
    return wanted


def _evidence(scorecard: dict[str, int]) -> Evidence:
    return Evidence(scorecard["days"], scorecard["trials"], scorecard["successes"])
