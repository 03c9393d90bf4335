"""The day's book: opened, read and written only under GLOBAL's lock, which every money path takes first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping

from django.db.models import QuerySet

from riskguard import telling
from riskguard.models import RiskEvent, RiskLedgerDay, RiskPolicy, RiskReservation, utc_day
from riskguard.rules import CAPS, GLOBAL, Level, Usage

EXPIRY_BATCH = 500
MINUTE = dt.timedelta(seconds=60)
Book = dict[str, RiskLedgerDay]


def day_of(now: dt.datetime) -> dt.date:
    """Return the ledger's day: the UTC day of ``now``, or the newest day in the book where that is later.

    A clock that was set back must not open a day again whose open risk has been carried on.
    """
    newest = RiskLedgerDay.objects.filter(engine=GLOBAL).order_by("-day").values_list("day", flat=True).first()
    today = utc_day(now)
    return max(today, newest) if newest else today


def opened(day: dt.date, engines: Iterable[str]) -> Book:
    """Return the rows of ``day``, GLOBAL's among them, opening what is not there with the open risk carried on."""
    names = {GLOBAL, *engines}
    book = {row.engine: row for row in RiskLedgerDay.objects.filter(day=day, engine__in=names)}
    fresh = [RiskLedgerDay(day=day, engine=name, open_risk_reserved=carried(name, day)) for name in names - book.keys()]
    if fresh:
        RiskLedgerDay.objects.bulk_create(fresh, ignore_conflicts=True)
        book = {row.engine: row for row in RiskLedgerDay.objects.filter(day=day, engine__in=names)}
    return book


def carried(engine: str, day: dt.date) -> int:
    """Return the open risk that ``engine`` brings into ``day`` from its newest earlier row."""
    earlier = RiskLedgerDay.objects.filter(engine=engine, day__lt=day).order_by("-day")
    return earlier.values_list("open_risk_reserved", flat=True).first() or 0


def standing(day: dt.date, *engines: str) -> dict[str, Usage]:
    """Return the counters of each of ``engines`` on ``day`` as they would open, writing nothing."""
    open_rows = {row.engine: row.usage() for row in RiskLedgerDay.objects.filter(day=day, engine__in=engines)}
    return {name: open_rows.get(name) or Usage(open_risk_reserved=carried(name, day)) for name in engines}


def actions_last_minute(policy: RiskPolicy, now: dt.datetime) -> int:
    """Return the reservations of the 60 seconds up to ``now``, counted no further than one past the policy's limit."""
    if policy.max_actions_per_minute is None:
        return 0
    recent = RiskReservation.objects.filter(created_at__gt=now - MINUTE)
    if policy.engine != GLOBAL:
        recent = recent.filter(engine=policy.engine)
    return recent.order_by()[: policy.max_actions_per_minute + 1].count()


def level(policy: RiskPolicy, usage: Usage) -> Level:
    """Return the policy beside what has been taken out of it."""
    return Level(policy.engine, policy.enabled, policy.reason, policy.caps(), usage)


def take(book: Book, engine: str, amount: int) -> None:
    """Take ``amount`` out of today's room at both levels."""
    for name in (GLOBAL, engine):
        book[name].exposure_used += amount
        book[name].open_risk_reserved += amount
        book[name].actions_count += 1
        book[name].save(update_fields=["exposure_used", "open_risk_reserved", "actions_count"])


def close(book: Book, held: RiskReservation, status: str, *, now: dt.datetime, actor: str) -> int:
    """Resolve an open reservation, give its open risk back today, and return how much that was."""
    given_back = held.amount if held.status == RiskReservation.Status.OPEN else 0
    if given_back:
        held.closed_at, held.closed_day = now, book[GLOBAL].day
        for name in (GLOBAL, held.engine):
            book[name].open_risk_reserved -= given_back
            book[name].save(update_fields=["open_risk_reserved"])
    held.status, held.resolved_by = status, actor
    return given_back


def overdue(now: dt.datetime) -> QuerySet[RiskReservation]:
    """Return the open reservations whose time is over, the oldest first."""
    return RiskReservation.objects.filter(status=RiskReservation.Status.OPEN, expires_at__lte=now).order_by(
        "expires_at", "pk"
    )


def expire_some(now: dt.datetime, day: dt.date) -> int:
    """Expire a batch of overdue reservations, the oldest first, and return how many; 0 says that none is left."""
    batch = list(overdue(now)[:EXPIRY_BATCH])
    return _expire(batch, day=day, now=now) if batch else 0


def _expire(batch: list[RiskReservation], *, day: dt.date, now: dt.datetime) -> int:
    """Expire ``batch``: give back open risk, keep the exposure, and mark each for a person to look at."""
    book = opened(day, {held.engine for held in batch})
    for held in batch:
        close(book, held, RiskReservation.Status.EXPIRED, now=now, actor="expiry")
        held.needs_review = True
    fields = ["status", "resolved_by", "closed_at", "closed_day", "needs_review"]
    RiskReservation.objects.bulk_update(batch, fields, batch_size=500)
    RiskEvent.objects.bulk_create(
        [
            RiskEvent(
                at=now, day=day, kind=RiskEvent.Kind.EXPIRE, engine=held.engine, reservation=held, amount=held.amount,
                reason="expired", exposure_day=held.day, open_risk_delta=-held.amount, actor="expiry",
                correlation_id=held.correlation_id,
            )
            for held in batch
        ],
        batch_size=500,
    )  # fmt: skip
    telling.expired(batch)
    return len(batch)


def figures(levels: Iterable[Level]) -> dict[str, dict[str, int | None]]:
    """Return each level's caps and counters for an event, so that a grant can be proved against its caps."""
    return {
        level.policy: {
            **{cap: getattr(level.caps, cap) for cap in CAPS},
            "exposure_used": level.usage.exposure_used,
            "open_risk_reserved": level.usage.open_risk_reserved,
            "realized_loss": level.usage.realized_loss,
            "actions_count": level.usage.actions_count,
        }
        for level in levels
    }


def levels(policies: Mapping[str, RiskPolicy], usages: Mapping[str, Usage]) -> list[Level]:
    """Return the levels of the policies that exist, GLOBAL first."""
    return [level(policies[name], usages[name]) for name in sorted(policies, key=lambda name: (name != GLOBAL, name))]
