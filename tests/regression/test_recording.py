"""The database's function against the law in Python: the same programs leave the same rows."""

from __future__ import annotations

import itertools
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from regression import recording, rules, services
from regression.models import KpiEvent, RegressionState
from tests.regression.factories import PAIR, PolicyFactory, arm, record, tripped
from tests.regression.programs import EXAMPLES, differences, leave_the_same, left_by

pytestmark = [pytest.mark.django_db, pytest.mark.postgresql]
_taken: Counter[str] = Counter()


def by_law(observations: Any) -> None:
    for one in observations:
        recording.by_law(one, "bot")


def by_function(observations: Any) -> None:
    for one in observations:
        recorded = recording.by_function(one, "bot")
        _taken["law" if recorded is None else "unwatched" if recorded.state is None else "watched"] += 1
        if recorded is None:
            recording.by_law(one, "bot")


def test_both_ways_to_record_leave_the_same_rows() -> None:
    _taken.clear()
    leave_the_same(by_function, by_law)
    assert min(_taken["watched"], _taken["law"]) > 5 * EXAMPLES


@pytest.mark.parametrize(
    ("weaker", "meets"),
    [
        *itertools.product(
            [{"enabled": False}, {"max_drop_fraction": Decimal(1)}, {"mode": rules.SHADOW}],
            [("record", [False] * 5), ("record", [True])],
        ),
        # What records nothing meets every end by the same law.
        ({"enabled": False}, ("evaluate", None)), ({"enabled": False}, ("wait", None)),
    ],
)  # fmt: skip
def test_both_ways_meet_an_end_alike(weaker: dict[str, Any], meets: tuple[str, Any]) -> None:
    good, bad = ("past", [True] * 12), ("record", [False, True, False])
    program = [good, ("weaken", weaker), bad, meets, bad, ("rearm", None), good, bad]
    rows = left_by(program, by_function)
    assert differences(rows, left_by(program, by_law)) == {}
    assert any("end_overrides" in row for row in rows["audit_event"])


def _statements(outcome: str) -> int:
    """Return how many statements an event takes, without the savepoint of a test's own transaction."""
    with CaptureQueriesContext(connection) as queries:
        record(outcome)
    return sum("SAVEPOINT" not in query["sql"] for query in queries)


def test_a_plain_event_is_one_statement() -> None:
    assert _statements("S") == 1
    PolicyFactory(enabled=False)
    assert _statements("S") == 1
    arm()
    for outcome in "SSSSSSSSSS":
        assert _statements(outcome) == 1
    state = RegressionState.objects.get()
    assert (state.baseline_count, state.current_count, state.note) == (8, 4, "Watching: it triggers at a drop of 0.2.")


def test_what_trips_or_is_triggered_or_has_values_is_the_laws_to_do() -> None:
    tripped()
    assert recording.by_function(recording.Observation(**PAIR, success=True), "bot") is None
    services.rearm(**PAIR, actor="jo", reason="mended")
    assert recording.by_function(recording.Observation(**PAIR, success=True), "bot") is None
    assert recording.by_function(recording.Observation(**PAIR, value=1.0), "bot") is None
    assert KpiEvent.objects.count() == 12
