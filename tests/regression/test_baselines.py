from __future__ import annotations

import math

import numpy as np
import pytest

from regression import baselines
from regression.baselines import Sums

pytestmark = pytest.mark.sqlite  # no database is asked


def _sums(shares: list[float]) -> Sums:
    sums = Sums()
    for share in shares:
        sums = sums.plus(share)
    return sums


def _at_least(successes: int, of: int, rate: float) -> float:
    return sum(math.comb(of, k) * rate**k * (1 - rate) ** (of - k) for k in range(successes, of + 1))


@pytest.mark.parametrize(
    ("successes", "of", "beta"), [(190, 200, 0.025), (1, 20, 0.04), (20, 20, 0.025), (77, 150, 0.01)]
)
def test_at_the_bound_as_many_successes_have_probability_beta(successes: int, of: int, beta: float) -> None:
    bound = baselines.clopper_pearson(successes, of, beta)
    assert 0 < bound < successes / of
    assert _at_least(successes, of, bound) == pytest.approx(beta)


def test_without_a_success_no_rate_is_known() -> None:
    assert baselines.lower_bound(_sums([0.0] * 1_000), 0.025) == 0


@pytest.mark.parametrize(("units", "known"), [(19, False), (20, True)])
def test_fewer_than_twenty_units_are_no_baseline(units: int, known: bool) -> None:
    assert (baselines.lower_bound(_sums([1.0] * units), 0.025) > 0) is known


def test_other_shares_are_bounded_by_empirical_bernstein() -> None:
    shares = [0.2, 0.9, 0.7, 0.75] * 250
    log = math.log(2 / 0.025)
    expected = np.mean(shares) - math.sqrt(2 * np.var(shares, ddof=1) * log / 1_000) - 7 * log / (3 * 999)
    assert baselines.lower_bound(_sums(shares), 0.025) == pytest.approx(float(expected))


def test_one_share_between_changes_the_bound() -> None:
    assert _sums([1.0, 0.0, 1.0]).binary
    assert not _sums([1.0, 0.5, 1.0]).binary


@pytest.mark.parametrize("kind", ["successes", "shares"])
def test_the_bound_is_above_the_true_mean_at_most_as_often_as_it_says(kind: str) -> None:
    # 2,000 baselines of 200; at a true failure rate of 0.025, 66 or more have probability 0.01.
    rng = np.random.default_rng(6)
    drawn = (rng.random((2_000, 200)) < 0.8).astype(float) if kind == "successes" else rng.beta(4, 1, (2_000, 200))
    above = 0
    for shares in drawn:
        sums = Sums(200, float(shares.sum()), float((shares**2).sum()), binary=kind == "successes")
        above += baselines.lower_bound(sums, 0.025) > 0.8
    assert above < 66


def test_the_sums_give_the_mean_and_the_variance() -> None:
    shares = np.random.default_rng(2).random(300)
    sums = _sums([float(share) for share in shares])
    assert (sums.units, sums.mean) == (300, pytest.approx(shares.mean()))
    assert sums.variance == pytest.approx(shares.var(ddof=1))
    assert (Sums().mean, Sums().variance, _sums([0.5]).variance) == (0, 0, 0)


def test_the_correlation_is_that_of_neighbours() -> None:
    shares = np.random.default_rng(2).random(300).cumsum() % 1
    centred = shares - shares.mean()
    expected = (centred[1:] * centred[:-1]).sum() / (centred**2).sum()
    assert baselines.correlation(_sums([float(share) for share in shares])) == pytest.approx(expected)


def test_what_does_not_vary_has_no_correlation() -> None:
    assert baselines.correlation(_sums([1.0] * 50)) == 0
    assert baselines.correlation(Sums()) == 0


def test_units_that_alternate_are_correlated_negatively() -> None:
    assert baselines.correlation(_sums([0.0, 1.0] * 100)) == pytest.approx(-1, abs=0.01)
