"""The trials of a domain one after the other, from start to start, for what-ifs of the ANYTIME rule. Pure.

ANYTIME looks after every trial, and an admission stays while nothing speaks against it. So what another success rate
would have admitted is found by going the way again, look by look.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from heimdall import anytime
from heimdall.anytime import Shown


@dataclasses.dataclass(frozen=True, slots=True)
class Leg:
    """The trials since one start: how many came before ``outcomes``, which are read one by one.

    ``admitted_by`` is a success rate that those before are known to have been admitted by; None: by none.
    """

    start: int
    trials: int
    successes: int
    outcomes: Sequence[bool] = ()
    admitted_by: Decimal | None = None

    def shown(self, rate: Decimal) -> list[Shown]:
        """Return what was shown before the outcomes and after each of them, were ``rate`` asked for all along."""
        admitted = self.admitted_by is not None and rate <= self.admitted_by
        trials, successes, found = self.trials, self.successes, list[Shown]()
        for success in (None, *self.outcomes):
            trials, successes = trials + (success is not None), successes + bool(success)
            looked_at = Shown(self.start, trials, successes, admitted)
            admitted = anytime.verdict(looked_at, float(rate)) == anytime.ELIGIBLE
            found.append(dataclasses.replace(looked_at, admitted=admitted))
        return found


class Outcome(NamedTuple):
    """How a trial ended, and when."""

    at: dt.datetime
    success: bool


class Start(NamedTuple):
    """A start and the trials that were counted since, in all; ``began`` is None of one that began before what is read.

    Since ``admitted_at`` they have admitted the domain, by the success rate ``admitted_by``.
    """

    number: int
    trials: int
    successes: int
    began: dt.datetime | None = None
    admitted_at: dt.datetime | None = None
    admitted_by: Decimal | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Way:
    """The legs, the newest first; of each the place of its first outcome among all, and when it began."""

    legs: Sequence[Leg]
    firsts: Sequence[int]
    began: Sequence[dt.datetime | None]

    def place(self, seen: int, at: dt.datetime) -> tuple[int, int]:
        """Return the leg in which one stood ``at`` a time with ``seen`` outcomes in all, and how many of its own."""
        for number, (first, began) in enumerate(zip(self.firsts, self.began, strict=True)):
            if seen > first or (seen == first and (began is None or began <= at)):
                return number, seen - first
        return len(self.legs) - 1, 0


def way(starts: Sequence[Start], outcomes: Sequence[Outcome]) -> Way:
    """Part the newest ``outcomes`` of a domain, the oldest first, among its ``starts``, the newest first, by count."""
    legs, firsts, end = list[Leg](), list[int](), len(outcomes)
    for start in starts:
        first = max(0, end - start.trials)
        own = outcomes[first:end]
        trials = start.trials - len(own)
        # A trial that came between reading the counts and the outcomes must not leave fewer than none.
        successes = min(trials, max(0, start.successes - sum(outcome.success for outcome in own)))
        earlier = start.admitted_at is not None and (not own or start.admitted_at < own[0].at)
        by = start.admitted_by if earlier else None
        legs.append(Leg(start.number, trials, successes, [outcome.success for outcome in own], by))
        firsts.append(first)
        end = first
    return Way(legs, firsts, [start.began for start in starts])
