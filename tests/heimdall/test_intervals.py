"""Wilson's interval against its definition, and against figures that others have published."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heimdall import intervals

pytestmark = pytest.mark.sqlite
COUNTS = st.integers(1, 10**6).flatmap(lambda trials: st.tuples(st.integers(0, trials), st.just(trials)))


@pytest.mark.parametrize(("successes", "trials", "bounds"), [
    # Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17 (1998), table I
    (81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718)),
])  # fmt: skip
def test_it_is_what_newcombe_published(successes: int, trials: int, bounds: tuple[float, float]) -> None:
    found = intervals.wilson(successes, trials)
    assert found is not None
    assert found == pytest.approx(bounds, abs=5e-5)


@given(COUNTS)
def test_its_bounds_are_the_rates_whose_score_is_z(counts: tuple[int, int]) -> None:
    successes, trials = counts
    found = intervals.wilson(successes, trials)
    assert found is not None
    rate = successes / trials
    assert (
        0 <= found[0] <= rate <= found[1] <= 1
        or math.isclose(rate, found[0], abs_tol=1e-12)
        or math.isclose(rate, found[1], abs_tol=1e-12)
    )
    for bound in found:
        if 1e-9 < bound < 1 - 1e-9:
            assert abs(rate - bound) / math.sqrt(bound * (1 - bound) / trials) == pytest.approx(intervals.Z, rel=1e-4)


def test_without_a_trial_there_is_none() -> None:
    assert intervals.wilson(0, 0) is None
