"""The risk guard's part of the control plane: each engine's caps as bars, and what was refused."""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.conf import settings

from governance import clock, money
from governance.register import Alarm, Panel
from riskguard import rules, selectors, words
from riskguard.decisions import LedgerLine
from riskguard.services import SET_POLICY

DAY = dt.timedelta(days=1)
CLOSE, FULL = 80, 100  # per cent of a cap


@dataclasses.dataclass(frozen=True, slots=True)
class Bar:
    """How much of one cap is taken, in words and in whole per cent, which is None where there is nothing to measure."""

    label: str
    taken: str
    left: str = ""
    per_cent: int | None = None

    @property
    def tone(self) -> str:
        """Return bad at the cap, warn close to it, else good."""
        if self.per_cent is None or self.per_cent < CLOSE:
            return "good"
        return "bad" if self.per_cent >= FULL else "warn"


def panel() -> Panel:
    """Return today's ledger as bars, and the refusals of the last 24 hours by reason."""
    now = clock.database_now()
    lines = [(line, bars(line)) for line in selectors.ledger_today()]
    alarms = [
        Alarm(f"{line.engine}'s {bar.label}: {bar.taken}", bar.tone)
        for line, every in lines
        for bar in every
        if line.policy and line.policy.enabled and bar.tone != "good"
    ]
    data = {
        "lines": lines,
        "refused": selectors.refusals_by_reason(now - DAY, now),
        "set_policy": SET_POLICY,
        "throttle": '{"enabled": false}',
        "enable": '{"enabled": true}',
    }
    return Panel("riskguard/panel.html", data, alarms)


def bars(line: LedgerLine) -> list[Bar]:
    """Return how much of each of the day's caps is taken."""
    return [_bar(line, cap, counter) for cap, counter in rules.USED_OF.items()]


def _bar(line: LedgerLine, cap: str, counter: str) -> Bar:
    label, used, limit = words.CAP_NAMES[cap], getattr(line.usage, counter), getattr(line.policy, cap)
    spoken = str if cap in words.COUNTED else money.spoken
    if limit is None:
        return Bar(label, f"{spoken(used)}, no limit")
    if limit == 0 and used == 0:
        return Bar(label, "nothing is allowed")
    taken = f"{spoken(used).removesuffix(f' {settings.VALHALLA_CURRENCY}')} of {spoken(limit)}"
    share = FULL if used >= limit else used * FULL // limit
    return Bar(label, taken, f"{spoken(rules.left(limit, used) or 0)} left", share)
