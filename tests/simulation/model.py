"""The risk guard in a page of plain Python, written from the contract alone: what the product must agree with.

It keeps no counter. Every figure is a fold over the reservations, taken anew each time it is asked for.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections import Counter
from collections.abc import Iterator

GLOBAL = "GLOBAL"
CAPS = (
    "max_daily_loss",
    "max_daily_exposure",
    "max_open_risk",
    "max_amount_per_action",
    "max_actions_per_day",
    "max_actions_per_minute",
)
Verdict = tuple[str, str, str]
"""The reason, and the policy and the cap that refuse (empty where it is none of them)."""


@dataclasses.dataclass
class Policy:
    enabled: bool = False
    caps: dict[str, int | None] = dataclasses.field(default_factory=lambda: dict.fromkeys(CAPS, 0))


@dataclasses.dataclass
class Reservation:
    engine: str
    amount: int
    day: dt.date
    created_at: dt.datetime
    expires_at: dt.datetime
    owner: tuple[str, str | None]
    status: str = "OPEN"
    closed_day: dt.date | None = None
    loss: int | None = None
    settled_day: dt.date | None = None

    def counts_for(self, level: str) -> bool:
        return level in {GLOBAL, self.engine}


class Fold:
    """Changes of the counters, added up by day and level."""

    def __init__(self) -> None:
        self.changes: dict[tuple[dt.date, str], list[int]] = {}

    def add(
        self, engine: str, day: dt.date, *, exposure: int = 0, open_risk: int = 0, loss: int = 0, actions: int = 0
    ) -> None:
        """Add a change at both levels."""
        for level in (GLOBAL, engine):
            sums = self.changes.setdefault((day, level), [0, 0, 0, 0])
            for which, change in enumerate((exposure, open_risk, loss, actions)):
                sums[which] += change

    def counters(self) -> dict[tuple[dt.date, str], tuple[int, int, int, int]]:
        """Return the counters at the end of each day with a change; what is open is carried on from day to day."""
        found = {}
        opened: Counter[str] = Counter()
        for (day, level), (exposure, open_risk, loss, actions) in sorted(self.changes.items()):
            opened[level] += open_risk
            found[day, level] = exposure, opened[level], loss, actions
        return found


@dataclasses.dataclass
class Model:
    time_to_live: dt.timedelta
    policies: dict[str, Policy] = dataclasses.field(default_factory=dict)
    reservations: dict[int, Reservation] = dataclasses.field(default_factory=dict)
    tripped: set[str] = dataclasses.field(default_factory=set)
    killed: bool = False
    live: bool = True
    newest: dt.date = dt.date.min

    def today(self, now: dt.datetime) -> dt.date:
        """Return the UTC day, which never goes back."""
        return max(now.astimezone(dt.UTC).date(), self.newest)

    def of(self, level: str) -> Iterator[Reservation]:
        return (row for row in self.reservations.values() if row.counts_for(level))

    def exposure(self, level: str, day: dt.date) -> int:
        return sum(row.amount for row in self.of(level) if row.day == day and row.status != "RELEASED")

    def open_risk(self, level: str, day: dt.date) -> int:
        """Return what was open at the end of ``day``."""
        opened = sum(row.amount for row in self.of(level) if row.day <= day)
        return opened - sum(row.amount for row in self.of(level) if row.closed_day and row.closed_day <= day)

    def lost(self, level: str, day: dt.date) -> int:
        return sum(row.loss or 0 for row in self.of(level) if row.settled_day == day)

    def actions(self, level: str, day: dt.date) -> int:
        return sum(1 for row in self.of(level) if row.day == day)

    def last_minute(self, level: str, now: dt.datetime) -> int:
        return sum(1 for row in self.of(level) if row.created_at > now - dt.timedelta(minutes=1))

    def fold(self) -> Fold:
        """Return what every reservation has changed, on the days of the changes."""
        fold = Fold()
        for row in self.reservations.values():
            kept = 0 if row.status == "RELEASED" else row.amount
            fold.add(row.engine, row.day, exposure=kept, open_risk=row.amount, actions=1)
            if row.closed_day:
                fold.add(row.engine, row.closed_day, open_risk=-row.amount)
            if row.settled_day:
                fold.add(row.engine, row.settled_day, loss=row.loss or 0)
        return fold

    def left(self, engine: str, now: dt.datetime) -> int:
        """Return the largest amount that the money caps of both levels would let through, at least 0."""
        day, rooms = self.today(now), [10**6]
        for level in (GLOBAL, engine):
            caps = self.policies[level].caps if level in self.policies else {}
            used = {
                "max_daily_exposure": self.exposure(level, day),
                "max_open_risk": self.open_risk(level, day),
                "max_amount_per_action": 0,
            }
            rooms += [limit - used[cap] for cap in used if (limit := caps.get(cap)) is not None]
        return max(0, min(rooms))

    def stopped(self, engine: str) -> Verdict | None:
        """Return what stops ``engine`` whatever it asks for."""
        if self.killed:
            return "kill_switch_engaged", "", ""
        if not self.live:
            return "go_live_disabled", "", ""
        for level in (GLOBAL, engine):
            if level not in self.policies:
                return "policy_missing", level, ""
        for level in (GLOBAL, engine):
            if not self.policies[level].enabled:
                return "policy_disabled", level, ""
        return ("tripwire_triggered", "", "") if engine in self.tripped else None

    def full(self, engine: str, amount: int, now: dt.datetime) -> Verdict | None:
        """Return the first cap that has no room."""
        day = self.today(now)
        for level in (GLOBAL, engine):
            cap = self.policies[level].caps["max_daily_loss"]
            if cap is not None and self.lost(level, day) >= cap:
                return "loss_cap_reached", level, "max_daily_loss"
        for level in (GLOBAL, engine):
            after = {
                "max_amount_per_action": amount,
                "max_daily_exposure": self.exposure(level, day) + amount,
                "max_open_risk": self.open_risk(level, day) + amount,
                "max_actions_per_day": self.actions(level, day) + 1,
                "max_actions_per_minute": self.last_minute(level, now) + 1,
            }
            for name, total in after.items():
                cap = self.policies[level].caps[name]
                if cap is not None and total > cap:
                    return "would_exceed_policy", level, name
        return None

    def judge(self, engine: str, amount: int, now: dt.datetime) -> tuple[Verdict | None, list[int]]:
        """Return what refuses, and the overdue reservations that are expired on the way."""
        verdict = self.stopped(engine) or self.full(engine, amount, now)
        if verdict is None or verdict[2] != "max_open_risk":
            return verdict, []
        overdue = self.overdue(now)
        after = dataclasses.replace(
            self, reservations={pk: dataclasses.replace(row) for pk, row in self.reservations.items()}
        )
        after.expire(overdue, now)
        return after.full(engine, amount, now), overdue

    def overdue(self, now: dt.datetime) -> list[int]:
        return [pk for pk, row in self.reservations.items() if row.status == "OPEN" and row.expires_at <= now]

    def earlier(self, owner: tuple[str, str | None]) -> int | None:
        """Return the reservation that a caller's key already has."""
        if owner[1] is None:
            return None
        return next((pk for pk, row in self.reservations.items() if row.owner == owner), None)

    def grant(self, pk: int, engine: str, amount: int, owner: tuple[str, str | None], now: dt.datetime) -> None:
        self.newest = day = self.today(now)
        self.reservations[pk] = Reservation(engine, amount, day, now, now + self.time_to_live, owner)

    def close(self, pk: int, status: str, now: dt.datetime, loss: int | None = None) -> None:
        row, day = self.reservations[pk], self.today(now)
        self.newest = day
        row.closed_day = row.closed_day or day
        row.status = status
        if status == "SETTLED":
            row.loss, row.settled_day = loss, day

    def expire(self, overdue: list[int], now: dt.datetime) -> None:
        for pk in overdue:
            self.close(pk, "EXPIRED", now)
