"""The day's book: opened, read and written only under GLOBAL's lock, which every money path takes first."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable

from django.db import connection
from django.db.models import F, QuerySet

from governance import rows
from riskguard import telling
from riskguard.models import RiskEvent, RiskLedgerDay, RiskPolicy, RiskReservation, utc_day
from riskguard.rules import CAPS, GLOBAL, Level, Usage

EXPIRY_BATCH = 500
MINUTE = dt.timedelta(seconds=60)
# What every decision asks is in plain SQL: to make it anew of querysets would take ten times as long as to run it.
_NEWEST = """
SELECT * FROM risk_ledger_day d
 WHERE d.engine IN ({}) AND d.day = (SELECT max(n.day) FROM risk_ledger_day n WHERE n.engine = d.engine)
"""
_OVERDUE = "SELECT * FROM risk_reservation WHERE status = 'OPEN' AND expires_at <= %s ORDER BY expires_at, id LIMIT %s"
_WRITE = """
INSERT INTO risk_ledger_day AS d (day, engine, exposure_used, open_risk_reserved, realized_loss, actions_count)
VALUES (%s, %s, %s, %s, %s, %s)
    ON CONFLICT (engine, day) DO UPDATE
   SET exposure_used = excluded.exposure_used, open_risk_reserved = excluded.open_risk_reserved,
       realized_loss = excluded.realized_loss, actions_count = excluded.actions_count
"""
_RECENT = "SELECT count(*) FROM (SELECT 1 FROM risk_reservation WHERE {}created_at > %s LIMIT %s) recent"


@dataclasses.dataclass(slots=True)
class Book:
    """The rows of a day, GLOBAL's among them; what is taken out of them is written once, by ``write``."""

    day: dt.date
    rows: dict[str, RiskLedgerDay]
    touched: set[str] = dataclasses.field(default_factory=set)

    def taken(self, engine: str) -> list[RiskLedgerDay]:
        """Return the rows of both levels, to be changed and to be written."""
        self.touched |= {GLOBAL, engine}
        return [self.rows[GLOBAL], self.rows[engine]]

    def take(self, engine: str, amount: int) -> None:
        """Take ``amount`` out of today's room at both levels."""
        for row in self.taken(engine):
            row.exposure_used += amount
            row.open_risk_reserved += amount
            row.actions_count += 1

    def write(self) -> None:
        """Write the rows that were changed, opening those that are not there."""
        day = connection.ops.adapt_datefield_value(self.day)
        rows = [
            (day, row.engine, row.exposure_used, row.open_risk_reserved, row.realized_loss, row.actions_count)
            for row in (self.rows[name] for name in sorted(self.touched))
        ]
        with connection.cursor() as cursor:
            cursor.executemany(_WRITE, rows)
        self.touched.clear()


def day_of(now: dt.datetime) -> dt.date:
    """Return the ledger's day: the UTC day of ``now``, or the newest day in the book where that is later.

    A clock that was set back must not open a day again whose open risk has been carried on.
    """
    newest = RiskLedgerDay.objects.filter(engine=GLOBAL).order_by("-day").values_list("day", flat=True).first()
    return _day(now, newest)


def read(now: dt.datetime, *engines: str) -> Book:
    """Return the book of the ledger's day, with GLOBAL's row and those of ``engines`` as they stand or would open."""
    names = sorted({GLOBAL, *engines})
    found = rows.selected(RiskLedgerDay, _NEWEST.format(", ".join(["%s"] * len(names))), names)
    newest = {row.engine: row for row in found}
    day = _day(now, newest[GLOBAL].day if GLOBAL in newest else None)
    return Book(day, {name: _row_of(day, name, newest.get(name)) for name in names})


def _day(now: dt.datetime, newest: dt.date | None) -> dt.date:
    return max(utc_day(now), newest or dt.date.min)


def _row_of(day: dt.date, engine: str, newest: RiskLedgerDay | None) -> RiskLedgerDay:
    """Return the row of ``day``: the ``newest``, or a new one with the open risk carried on."""
    if newest is not None and newest.day == day:
        return newest
    return RiskLedgerDay(day=day, engine=engine, open_risk_reserved=newest.open_risk_reserved if newest else 0)


def actions_last_minute(policy: RiskPolicy, now: dt.datetime) -> int:
    """Return the reservations of the 60 seconds up to ``now``, counted no further than one past the policy's limit."""
    if policy.max_actions_per_minute is None:
        return 0
    own, engine = ("", []) if policy.engine == GLOBAL else ("engine = %s AND ", [policy.engine])
    since = connection.ops.adapt_datetimefield_value(now - MINUTE)
    with connection.cursor() as cursor:
        cursor.execute(_RECENT.format(own), [*engine, since, policy.max_actions_per_minute + 1])
        count: int = cursor.fetchone()[0]
    return count


def level(policy: RiskPolicy, usage: Usage) -> Level:
    """Return the policy beside what has been taken out of it."""
    return Level(policy.engine, policy.enabled, policy.reason, policy.caps(), usage)


def close(book: Book, held: RiskReservation, status: str, *, now: dt.datetime, actor: str) -> int:
    """Resolve an open reservation, give its open risk back today, and return how much that was."""
    given_back = held.amount if held.status == RiskReservation.Status.OPEN else 0
    if given_back:
        held.closed_at, held.closed_day = now, book.day
    for row in book.taken(held.engine):
        row.open_risk_reserved -= given_back
    held.status, held.resolved_by = status, actor
    return given_back


def give_back_exposure(book: Book, held: RiskReservation) -> None:
    """Give the exposure of a reservation back to the day that it counts in."""
    if held.day == book.day:
        for row in book.taken(held.engine):
            row.exposure_used -= held.amount
    else:
        earlier = RiskLedgerDay.objects.filter(day=held.day, engine__in=[GLOBAL, held.engine])
        earlier.update(exposure_used=F("exposure_used") - held.amount)


def overdue(now: dt.datetime) -> QuerySet[RiskReservation]:
    """Return the open reservations whose time is over."""
    return RiskReservation.objects.filter(status=RiskReservation.Status.OPEN, expires_at__lte=now)


def expire_some(now: dt.datetime) -> int:
    """Expire a batch of overdue reservations, the oldest first, and return how many; 0 says that none is left."""
    batch = rows.selected(RiskReservation, _OVERDUE, [connection.ops.adapt_datetimefield_value(now), EXPIRY_BATCH])
    return _expire(batch, now) if batch else 0


def _expire(batch: list[RiskReservation], now: dt.datetime) -> int:
    """Expire ``batch``: give back open risk, keep the exposure, and mark each for a person to look at."""
    book = read(now, *(held.engine for held in batch))
    for held in batch:
        close(book, held, RiskReservation.Status.EXPIRED, now=now, actor="expiry")
        held.needs_review = True
    book.write()
    RiskReservation.objects.filter(pk__in=[held.pk for held in batch]).update(
        status=RiskReservation.Status.EXPIRED, resolved_by="expiry", closed_at=now, closed_day=book.day,
        needs_review=True,
    )  # fmt: skip
    RiskEvent.objects.bulk_create(
        [
            RiskEvent(
                at=now, day=book.day, kind=RiskEvent.Kind.EXPIRE, engine=held.engine, reservation=held,
                amount=held.amount, reason="expired", exposure_day=held.day, open_risk_delta=-held.amount,
                actor="expiry", correlation_id=held.correlation_id,
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
