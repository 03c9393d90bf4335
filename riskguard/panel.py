"""The risk guard's part of the control plane: each engine's caps as bars, and what was refused."""

from __future__ import annotations

import dataclasses
import datetime as dt

from django.conf import settings

from governance import clock, money
from governance.register import Alarm, Panel
from riskguard import rules, selectors, words
from riskguard.decisions import LedgerLine
from riskguard.policies import SET_POLICY

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
    lines = [(line, bars(line)) for line in selectors.ledger_today() if not _is_gone(line)]
    alarms = [
        Alarm(f"{line.engine}'s {bar.label}: {bar.taken}", bar.tone)
        for line, every in lines
        for bar in every
        if line.policy and line.policy.enabled and bar.tone != "good"
    ]
    alarms += [
        Alarm(f"{line.engine}'s throttle was to be looked at by now: enable it, or leave it.", "warn")
        for line, _bars in lines
        if line.policy and not line.policy.enabled and line.policy.until and line.policy.until <= now
    ]
    data = {
        "lines": lines,
        "refused": selectors.refusals_by_reason(now - DAY, now),
        "set_policy": SET_POLICY,
        "throttle": '{"enabled": false}',
        "enable": '{"enabled": true}',
    }
    return Panel("riskguard/panel.html", data, alarms)


def _is_gone(line: LedgerLine) -> bool:
    """Say whether a policy is retired, and nothing of it is open any more."""
    return line.policy is not None and line.policy.retired and not line.usage.open_risk_reserved


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
