"""How sure a success rate is: its Wilson score interval. Pure.

E. B. Wilson, "Probable inference, the law of succession, and statistical inference", Journal of the American
Statistical Association 22 (1927); recommended for small counts too by Brown, Cai and DasGupta, "Interval estimation for
a binomial proportion", Statistical Science 16 (2001).
"""

from __future__ import annotations

import math

Z = 1.959963984540054  # the normal distribution's 97.5% point: 95% of it lies between -Z and Z
SOURCE = "95% interval of Wilson (1927)"


def wilson(successes: int, trials: int) -> tuple[float, float] | None:
    """Return the bounds between which the true rate lies with 95% confidence; None where there is no trial.

    It is of one look: whoever looks again and again until it pleases is misled more often.
    """
    if trials == 0:
        return None
    rate, spread = successes / trials, Z * Z / trials
    middle = (rate + spread / 2) / (1 + spread)
    half = Z * math.sqrt(rate * (1 - rate) / trials + spread / (4 * trials)) / (1 + spread)
    return max(0.0, middle - half), min(1.0, middle + half)
