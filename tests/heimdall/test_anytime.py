from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heimdall import anytime
from heimdall.anytime import ELIGIBLE, INCONCLUSIVE, INELIGIBLE, Shown


def _shown(trials: int, successes: int, *, start: int = 1, admitted: bool = False) -> Shown:
    return Shown(start, trials, successes, admitted)


def _integrated(successes: int, trials: int, rate: float, low: float, high: float) -> float:
    """Return the mean over q from ``low`` to ``high`` of the likelihood against that at ``rate``, by the midpoints."""
    width = (high - low) / 200_000
    q = np.arange(low + width / 2, high, width)
    log = successes * np.log(q / rate) + (trials - successes) * np.log((1 - q) / (1 - rate))
    return float(np.exp(log).mean())


@pytest.mark.parametrize(("successes", "trials", "rate"), [(0, 0, 0.8), (45, 50, 0.8), (10, 50, 0.8), (3, 3, 0.5)])
def test_the_evidence_is_the_integral_over_the_rates_above_and_below(successes: int, trials: int, rate: float) -> None:
    above = _integrated(successes, trials, rate, rate, 1)
    below = _integrated(successes, trials, rate, 0, rate)
    assert math.exp(anytime.log_above(successes, trials, rate)) == pytest.approx(above, rel=1e-4)
    assert math.exp(anytime.log_below(successes, trials, rate)) == pytest.approx(below, rel=1e-4)


@settings(deadline=None)  # the first example imports scipy
@given(data=st.data(), trials=st.integers(0, 400), low=st.floats(0.05, 0.9), step=st.floats(0.001, 0.09))
def test_the_evidence_falls_as_more_is_asked_for_so_a_moved_threshold_breaks_nothing(
    data: st.DataObject, trials: int, low: float, step: float
) -> None:
    successes = data.draw(st.integers(0, trials))
    lower, higher = (anytime.log_above(successes, trials, rate) for rate in (low, low + step))
    assert higher <= lower + 1e-9


def test_the_starts_together_spend_alpha_and_each_less_than_the_one_before() -> None:
    shares = [math.exp(-anytime.log_alarm(start)) for start in range(1, 100_000)]
    assert shares == sorted(shares, reverse=True)
    assert 0.0499 < math.fsum(shares) <= anytime.ALPHA
    assert 1 / shares[0] == pytest.approx(32.9, abs=0.01)


def test_it_admits_at_the_evidence_that_it_asks_for_and_not_one_success_below() -> None:
    asked = anytime.log_alarm(1)
    enough = next(count for count in range(101) if anytime.log_above(count, 100, 0.8) >= asked)
    assert anytime.verdict(_shown(100, enough), 0.8) == ELIGIBLE
    assert anytime.verdict(_shown(100, enough - 1), 0.8) == INCONCLUSIVE
    assert anytime.verdict(_shown(100, enough, start=2), 0.8) == INCONCLUSIVE


def test_a_domain_that_is_shown_to_be_below_is_ineligible_even_where_it_was_admitted() -> None:
    assert anytime.verdict(_shown(100, 60), 0.8) == INELIGIBLE
    assert anytime.verdict(_shown(100, 60, admitted=True), 0.8) == INELIGIBLE


def test_an_admission_stays_while_the_evidence_is_open() -> None:
    assert anytime.verdict(_shown(100, 80), 0.8) == INCONCLUSIVE
    assert anytime.verdict(_shown(100, 80, admitted=True), 0.8) == ELIGIBLE


@pytest.mark.parametrize(("rate", "verdict"), [(0.0, ELIGIBLE), (1.0, INCONCLUSIVE)])
def test_nothing_is_asked_by_zero_and_nothing_shows_one(rate: float, verdict: str) -> None:
    assert anytime.verdict(_shown(50, 50), rate) == verdict


def test_the_trials_needed_are_just_enough_at_the_present_rate() -> None:
    shown = _shown(50, 45)
    more = anytime.trials_needed(shown, 0.8)
    assert more is not None
    asked = anytime.log_alarm(1)
    assert anytime.log_above(0.9 * (50 + more), 50 + more, 0.8) >= asked
    assert anytime.log_above(0.9 * (49 + more), 49 + more, 0.8) < asked


@pytest.mark.parametrize(
    ("trials", "successes", "rate"), [(0, 0, 0.8), (50, 40, 0.8), (50, 30, 0.8), (10**9, 800_001_000, 0.8), (9, 9, 0.0)]
)
def test_no_number_of_trials_is_promised_where_none_would_do(trials: int, successes: int, rate: float) -> None:
    assert anytime.trials_needed(_shown(trials, successes), rate) is None


def test_counts_that_underflow_are_no_evidence() -> None:
    assert anytime.log_above(1, 10**6, 0.99) == -math.inf
    assert anytime.verdict(_shown(10**6, 1), 0.99) == INELIGIBLE


def _days_to_admission(rate: float, seed: int, trials: int) -> np.ndarray:
    """Return the day on which each of ``trials`` domains with 5 trials a day is admitted against 0.80."""
    successes = np.random.default_rng(seed).binomial(5, rate, (trials, 180)).cumsum(axis=1)
    first = np.full(trials, np.inf)
    for day in range(1, 181):
        enough = next(
            (count for count in range(4 * day, 5 * day + 1)
             if anytime.verdict(_shown(5 * day, count), 0.8) == ELIGIBLE), math.inf,
        )  # fmt: skip
        first[(successes[:, day - 1] >= enough) & np.isinf(first)] = day
    return first


@pytest.mark.sqlite  # no database is in it: one of the two runs is enough
def test_a_domain_just_below_is_admitted_at_most_one_time_in_twenty_under_daily_looks() -> None:
    # 4,000 domains over 180 days.
    assert np.isfinite(_days_to_admission(0.79, 1, 4_000)).mean() <= 0.05


@pytest.mark.sqlite  # no database is in it: one of the two runs is enough
def test_a_good_domain_is_admitted_within_weeks() -> None:
    # 4,000 domains with a true rate of 0.90.
    days = _days_to_admission(0.9, 2, 4_000)
    assert (days <= 20).mean() >= 0.5
    assert (days <= 60).mean() >= 0.95
