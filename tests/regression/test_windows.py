"""The service's windows against those of the model."""

from __future__ import annotations

import itertools
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from regression import rules, selectors
from regression.models import RegressionGap, RegressionIncident, RegressionPolicy, RegressionState
from tests.regression.factories import METRIC, PolicyFactory
from tests.regression.model import EXAMPLES, SIZES, STEPS, Model, take

pytestmark = pytest.mark.django_db
EVERY_KIND = {"S", "F", "noise", "enable", "disable", "rearm", "evaluate", "resize", "trip", "gap"}


def _agree(model: Model, pair: dict[str, str]) -> None:
    state = RegressionState.objects.filter(**pair).first()
    if state is None:
        return
    seen = selectors.windows(state, RegressionPolicy.objects.get(**pair).terms())
    baseline, current = model.windows()
    assert [event.id for event in reversed(seen.baseline)] == baseline
    assert [event.id for event in reversed(seen.current)] == current
    assert (state.baseline_end_id, state.armed_after_id) == (model.baseline_end, model.armed_after)
    assert RegressionIncident.objects.filter(**pair).count() == model.trips
    gaps = list(RegressionGap.objects.filter(**pair).order_by("until_id").values_list("after_id", "until_id"))
    held = {number for after, until in gaps for number, _success in model.events if after < number <= until}
    assert held == model.left_out
    effective = {number for number, _success in model.events} - held
    for (_start, until), (after, _end) in itertools.pairwise(gaps):
        assert any(until < number <= after for number in effective), "a stretch between two gaps holds no event"


@pytest.mark.no_cover
def test_windows_trips_and_gaps_are_those_of_the_model() -> None:
    domains, taken = (f"D{number}" for number in itertools.count()), Counter[str]()

    @seed(8)
    @settings(max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        sizes=SIZES, drop=st.sampled_from([Decimal("0.2"), Decimal("0.5"), Decimal(1)]), enabled=st.booleans(),
        steps=STEPS,
    )  # fmt: skip
    def compare(sizes: tuple[int, int, int], drop: Decimal, enabled: bool, steps: list[Any]) -> None:
        pair = {"domain": next(domains), "metric": METRIC}
        window, baseline, least = sizes
        PolicyFactory(
            **pair, window_events=window, baseline_events=baseline, min_events_to_enforce=least,
            max_drop_fraction=drop, enabled=False,
        )  # fmt: skip
        model = Model(window, baseline, least, drop)
        for step in [*(["enable"] if enabled else []), *steps]:
            take(step, model, pair)
            _agree(model, pair)
            taken[step if isinstance(step, str) else step[0]] += 1
        taken["trip"] += model.trips
        taken["gap"] += bool(model.left_out)

    compare()
    assert {kind for kind, times in taken.items() if times} == EVERY_KIND


def test_the_model_reads_the_documents_example() -> None:
    model = Model(50, 200, 50, Decimal("0.2"))
    model.events = [(number, number > 11) for number in range(2, 202)]
    model.enable()
    assert (len(model.windows()[0]), model.windows()[1]) == (200, [])
    for number in range(202, 252):
        model.events.append((number, number < 239))
        model.evaluate()
        assert model.trips == (number == 251)
    baseline, current = model.windows()
    assert (model.rate(baseline), model.rate(current)) == (Fraction(19, 20), Fraction(37, 50))
    assert rules.double(model.rate(current)) == 0.74
