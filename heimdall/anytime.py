"""The ANYTIME evidence rule: what a sandbox has shown, however often it is looked at. Pure.

The trials since a fixed start are bet on at the odds of every rate q from r to 1 alike against r, the success rate that
the policy asks for:

    E = integral from r to 1 of q^S (1 - q)^(n - S) dq / [(1 - r) r^S (1 - r)^(n - S)]

While the true rate is below r, E is expected not to grow, so by Ville's inequality it ever reaches 1 / alpha with
probability at most alpha, at one look a day or one a trial (Robbins' method of mixtures; Ramdas, Gruenwald, Vovk and
Shafer, "Game-theoretic statistics and safe anytime-valid inference", Statistical Science 2023). E falls as r grows,
whatever S and n are, so a threshold that is moved after looking breaks nothing: one alpha holds for all r at once.
"""

from __future__ import annotations

import dataclasses
import math

ALPHA = 0.05  # of all starts of a domain together
MAX_TRIALS = 10**9
ELIGIBLE, INELIGIBLE, INCONCLUSIVE = "ELIGIBLE", "INELIGIBLE", "INCONCLUSIVE"


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """What a domain has shown since its ``start``-th start: trials and successes, and whether it is admitted."""

    start: int
    trials: int
    successes: int
    admitted: bool


def log_alarm(start: int) -> float:
    """Return the log of the E that admits: 1 / alpha of this start, which may spend 6 / (pi^2 n^2) of ALPHA.

    These shares sum to 1 over all n, so that restarting often never raises the error of all together.
    """
    return math.log(math.pi**2 * start**2 / (6 * ALPHA))


def log_above(successes: float, trials: float, rate: float) -> float:
    """Return the log of E, the evidence that the true rate is above ``rate`` (from above 0 to below 1)."""
    return _log_mixture(successes, trials, rate, upper=True) - math.log1p(-rate)


def log_below(successes: float, trials: float, rate: float) -> float:
    """Return the log of the same evidence that the true rate is below ``rate``: q runs from 0 to ``rate``."""
    return _log_mixture(successes, trials, rate, upper=False) - math.log(rate)


def verdict(shown: Shown, rate: float) -> str:
    """Return ELIGIBLE, INELIGIBLE (shown to be below ``rate``) or INCONCLUSIVE.

    Once admitted a domain stays so, since the promise is of ever being admitted, until it is shown to be below. A rate
    of 0 asks for nothing, one of 1 is more than trials can show.
    """
    if rate <= 0:
        return ELIGIBLE
    if rate >= 1:
        return INCONCLUSIVE
    if log_below(shown.successes, shown.trials, rate) >= log_alarm(shown.start):
        return INELIGIBLE
    if shown.admitted or log_above(shown.successes, shown.trials, rate) >= log_alarm(shown.start):
        return ELIGIBLE
    return INCONCLUSIVE


def trials_needed(shown: Shown, rate: float) -> int | None:
    """Return how many more trials at the present success rate would admit; None: none would, or too many.

    Beyond a billion trials it answers None.
    """
    present = shown.successes / shown.trials if shown.trials else 0.0
    if not present > rate or rate <= 0:
        return None

    def admits(more: int) -> bool:
        trials = shown.trials + more
        return log_above(present * trials, trials, rate) >= log_alarm(shown.start)

    enough = 1
    while not admits(enough):
        enough *= 2
        if enough > MAX_TRIALS:
            return None
    too_few = enough // 2
    while enough - too_few > 1:
        middle = (too_few + enough) // 2
        too_few, enough = (too_few, middle) if admits(middle) else (middle, enough)
    return enough


def _log_mixture(successes: float, trials: float, rate: float, *, upper: bool) -> float:
    """Return the log of the integral over the rates above or below ``rate``, over their likelihood at ``rate``."""
    # Imported here: only a domain under this rule pays for it.
    from scipy.special import betainc, betaincc, betaln  # noqa: PLC0415

    failures = trials - successes
    tail = float((betaincc if upper else betainc)(successes + 1, failures + 1, rate))
    if tail <= 0:
        return -math.inf
    at_rate = successes * math.log(rate) + failures * math.log1p(-rate)
    return float(betaln(successes + 1, failures + 1)) + math.log(tail) - at_rate
