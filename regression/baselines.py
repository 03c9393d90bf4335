"""A pinned baseline: what the sums of its units show, and the rate that it is safe to test against. Pure.

The test compares with a lower confidence bound ``q`` and never with the mean: with probability ``1 - beta`` the true
mean is at least ``q``, and only then does the test's own promise hold.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

from regression.limits import LEAST_UNITS
from regression.rules import Event, Terms
from regression.sequential import Settings
from regression.units import Block, Scale, grown

HIGH_CORRELATION = 0.15


class Sums(NamedTuple):
    """The sums over a baseline's units so far, each a share from 0 to 1: as much as the bound and the warning need."""

    units: int = 0
    total: float = 0.0
    squares: float = 0.0
    products: float = 0.0  # of each unit with the one before it
    first: float = 0.0
    last: float = 0.0
    binary: bool = True  # every unit is 0 or 1

    def plus(self, share: float) -> Sums:
        """Return the sums with one more unit."""
        return Sums(
            self.units + 1,
            self.total + share,
            self.squares + share * share,
            self.products + self.last * share if self.units else 0.0,
            self.first if self.units else share,
            share,
            self.binary and share in {0.0, 1.0},
        )

    @property
    def mean(self) -> float:
        """Return the units' mean; 0 where there is none."""
        return self.total / self.units if self.units else 0.0

    @property
    def variance(self) -> float:
        """Return the sample variance; 0 where there are fewer than two units."""
        spread = self.squares - self.units * self.mean**2
        return max(0.0, spread) / (self.units - 1) if self.units > 1 else 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Pinned:
    """A complete baseline of so many ``events``, which those after ``after_id`` are compared with.

    ``mean`` is a value, ``bound`` a share from 0 to 1; where that is 0 or less, nothing can be compared with it.
    """

    after_id: int
    events: int
    mean: float
    bound: float
    correlation: float
    scale: Scale


@dataclasses.dataclass(frozen=True, slots=True)
class PinnedTerms:
    """What a policy asks of a WINDOW detector whose baseline is pinned, and of the pin."""

    terms: Terms
    pin: Settings


def taken(history: Sequence[Event], settings: Settings) -> Pinned | None:
    """Return the baseline that a pin before the first event would have taken; None: it would not be complete."""
    size = settings.units * settings.scale.block_events
    if len(history) < size:
        return None
    sums, block = Sums(), Block()
    for event in history[:size]:
        block, unit = grown(block, event, settings.scale)
        if unit is not None:
            sums = sums.plus(unit.share)
    bound, mean = lower_bound(sums, settings.pin_error(1)), settings.scale.value(sums.mean)
    return Pinned(history[size - 1].id, size, mean, bound, correlation(sums), settings.scale)


def lower_bound(sums: Sums, beta: float) -> float:
    """Return ``q``: with probability at least ``1 - beta`` the true mean is not below it. 0 or less: none is known.

    Of successes and failures it is the exact bound of Clopper and Pearson (Biometrika 1934), of other shares the
    empirical Bernstein bound.
    """
    if sums.units < LEAST_UNITS:
        return 0.0
    if sums.binary:
        return clopper_pearson(round(sums.total), sums.units, beta)
    return empirical_bernstein(sums.mean, sums.variance, sums.units, beta)


def clopper_pearson(successes: int, of: int, beta: float) -> float:
    """Return ``BetaInv(beta; s, n - s + 1)``, the rate at which ``s`` or more of ``n`` has probability ``beta``."""
    if successes == 0:
        return 0.0
    # Imported here, where a baseline is pinned: it takes a sixth of a second and 40 MB, which no event pays.
    from scipy.special import betaincinv  # noqa: PLC0415

    return float(betaincinv(successes, of - successes + 1, beta))


def empirical_bernstein(mean: float, variance: float, of: int, beta: float) -> float:
    """Return ``m - sqrt(2 V ln(2/beta) / n) - 7 ln(2/beta) / (3 (n - 1))`` for shares from 0 to 1.

    Maurer and Pontil, "Empirical Bernstein bounds and sample variance penalization" (COLT 2009), theorem 4, with the
    sample variance V.
    """
    log = math.log(2 / beta)
    return mean - math.sqrt(2 * variance * log / of) - 7 * log / (3 * (of - 1))


def correlation(sums: Sums) -> float:
    """Return the units' correlation with the unit before each (lag 1); 0 where they do not vary."""
    mean, units = sums.mean, sums.units
    spread = sums.squares - units * mean**2
    if spread <= 0:
        return 0.0
    shared = sums.products - mean * (2 * sums.total - sums.first - sums.last) + (units - 1) * mean**2
    return shared / spread
