"""Reads of the outbox and of what became of it."""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.db.models import Count, Min, OuterRef, Subquery

from governance.happenings import Notice
from notices.models import NoticeDelivery, NoticeRule

Status = NoticeDelivery.Status


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """How far the outbox is behind: what waits (not routed, or not delivered), since when, and what was given up."""

    waiting: int
    oldest: dt.datetime | None
    dead: int


def standing() -> Standing:
    """Return how the outbox stands."""
    unrouted = Notice.objects.filter(routed_at=None).order_by().aggregate(number=Count("pk"), oldest=Min("at"))
    waiting = NoticeDelivery.objects.waiting().order_by().aggregate(number=Count("pk"), oldest=Min("notice__at"))
    since = [told["oldest"] for told in (unrouted, waiting) if told["oldest"]]
    return Standing(
        unrouted["number"] + waiting["number"], min(since, default=None), NoticeDelivery.objects.dead().count()
    )


@dataclasses.dataclass(frozen=True, slots=True)
class Reach:
    """A rule with what waits for it, what was given up, and when it was last told of something."""

    rule: NoticeRule
    waiting: int
    dead: int
    last_at: dt.datetime | None


def reaches() -> list[Reach]:
    """Return how each rule is reached, by name; as quick whatever the history holds."""
    made = NoticeDelivery.objects.filter(rule=OuterRef("pk"), status=Status.DELIVERED).order_by("-ended_at")
    told = NoticeRule.objects.annotate(last_at=Subquery(made.values("ended_at")[:1])).order_by("name")
    counted = {
        (rule, status): number
        for rule, status, number in NoticeDelivery.objects.filter(status__in=[Status.WAITING, Status.DEAD])
        .order_by()
        .values_list("rule", "status", Count("pk"))
    }
    return [
        Reach(rule, counted.get((rule.pk, Status.WAITING), 0), counted.get((rule.pk, Status.DEAD), 0), rule.last_at)
        for rule in told
    ]


def hears_of(kind: str) -> bool:
    """Say whether an enabled rule is told of ``kind`` of every engine."""
    return any(rule.wants(kind, "") for rule in NoticeRule.objects.filter(enabled=True))


def dead_letters() -> list[NoticeDelivery]:
    """Return the dead letters, the newest first; the first hundred."""
    return list(NoticeDelivery.objects.dead().select_related("rule", "notice").order_by("-pk")[:100])
