"""What engines call: recording, evaluating, and what both read."""

from __future__ import annotations

import random
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from governance.errors import Invalid
from regression import selectors, services
from regression.models import KpiEvent, RegressionIncident, RegressionState
from tests.regression.factories import (
    DOMAIN,
    METRIC,
    PAIR,
    EventFactory,
    GapFactory,
    PolicyFactory,
    arm,
    evaluate,
    many_events,
    record,
    record_at_once,
    risk_policy,
)

pytestmark = pytest.mark.django_db
WHOLESALE = {"domain": "WHOLESALE", "metric": "contract_rate"}
REASON = "Regression tripwire: OFFERS.signed drop=1.000"


# Recording


def test_an_event_is_recorded_as_it_came() -> None:
    recorded = services.record_kpi(**PAIR, success=False, actor="bot", correlation_id="abc")
    event = KpiEvent.objects.get()
    assert (recorded.id, recorded.state) == (event.pk, None)
    assert (event.domain, event.metric, event.success, event.value) == (DOMAIN, METRIC, False, None)
    assert (event.actor, event.correlation_id) == ("bot", "abc")


def test_without_an_enabled_policy_no_state_comes_to_be() -> None:
    record("SF")
    PolicyFactory(enabled=False)
    record("SF")
    assert KpiEvent.objects.count() == 4
    assert not RegressionState.objects.exists()


def test_names_are_spelled_as_the_api_spells_them_so_that_no_tripwire_is_missed() -> None:
    PolicyFactory()
    recorded = services.record_kpi(domain=" offers ", metric="Signed", success=True, actor="bot")
    assert recorded.state is not None


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"domain": "A B", "success": True}, {"domain"}),
        ({"metric": "", "success": True}, {"metric"}),
        ({}, {"success", "value"}),
        ({"success": True, "value": 1.0}, {"success", "value"}),
        ({"value": float("nan")}, {"value"}),
        ({"value": 1.1e15}, {"value"}),
    ],
)
def test_a_malformed_event_names_the_field_and_records_nothing(given: dict[str, Any], fields: set[str]) -> None:
    with pytest.raises(Invalid) as raised:
        services.record_kpi(**{**PAIR, **given}, actor="bot")
    assert set(raised.value.errors) == fields
    assert not KpiEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_callers_rollback_cannot_undo_a_trip_since_the_decision_is_its_own_transaction() -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        record("S")


# The walkthrough's numbers


@pytest.mark.parametrize("seed", range(3))
def test_the_documents_example_reads_and_trips_as_it_says(seed: int) -> None:
    order = random.Random(seed)
    events = [True] * 190 + [False] * 10
    order.shuffle(events)
    record_at_once([True, *events], **WHOLESALE)
    assert not RegressionState.objects.exists()
    arm(**WHOLESALE)
    state = evaluate(**WHOLESALE)
    assert (state.baseline, state.current, state.drop_fraction, state.triggered) == (0.95, 0.95, 0, False)
    assert (state.baseline_count, state.current_count) == (200, 0)
    worse = [True] * 37 + [False] * 13
    order.shuffle(worse)
    states = [recorded.state for recorded in record(worse, **WHOLESALE)]
    assert [state.triggered for state in states if state] == [False] * 49 + [True]
    state = evaluate(**WHOLESALE)
    assert (state.baseline, state.current, state.triggered) == (0.95, 0.74, True)
    assert state.drop_fraction == pytest.approx(0.21 / 0.95)
    assert (state.baseline_count, state.current_count) == (200, 50)
    incident = RegressionIncident.objects.get()
    assert incident.last_event_id - incident.first_event_id == 49
    assert risk_policy("WHOLESALE").reason == "Regression tripwire: WHOLESALE.contract_rate drop=0.221"
    assert not risk_policy("WHOLESALE").enabled


@pytest.mark.parametrize(("successes", "triggered"), [(38, True), (39, False)])
def test_a_drop_of_exactly_a_fifth_triggers_and_one_success_more_does_not(successes: int, triggered: bool) -> None:
    record_at_once([True] * 190 + [False] * 10, **WHOLESALE)
    arm(**WHOLESALE)
    record_at_once([True] * successes + [False] * (50 - successes), **WHOLESALE)
    assert evaluate(**WHOLESALE).triggered is triggered


# Evaluating


def test_without_a_policy_there_is_nothing_to_evaluate() -> None:
    assert services.evaluate(**PAIR, actor="jo") is None
    assert not RegressionState.objects.exists()


def test_a_disabled_policy_is_evaluated_for_its_figures_and_never_triggers() -> None:
    PolicyFactory(enabled=False)
    record_at_once("SSSSSSSSFFFF")
    state = evaluate()
    assert (state.baseline, state.current, state.drop_fraction, state.triggered) == (1, 0, 1, False)
    assert state.note.startswith("The policy is disabled")
    assert state.last_checked_at is not None


def test_evaluating_a_disabled_policy_after_the_fact_trips_once_it_is_enabled_only_by_new_events() -> None:
    PolicyFactory(enabled=False)
    record_at_once("SSSSSSSSFFFF")
    arm()
    assert not evaluate().triggered
    # The failures are in the baseline by now: 4 of 8, and the new ones are a drop from there.
    assert [recorded.state.triggered for recorded in record("FFFF") if recorded.state] == [False] * 3 + [True]


def test_enabling_arms_and_shows_the_baseline_at_once() -> None:
    PolicyFactory(enabled=False)
    record("SSSF")
    arm()
    state = RegressionState.objects.get()
    assert state.armed_after_id == KpiEvent.objects.latest("pk").pk
    assert (state.baseline, state.current, state.drop_fraction, state.current_count) == (0.75, 0.75, 0, 0)


def test_enabling_what_is_enabled_arms_nothing() -> None:
    PolicyFactory()
    record_at_once("SSSSSSSSFF")
    arm()
    assert RegressionState.objects.get().armed_after_id == 0


@pytest.mark.parametrize(("last", "triggered"), [(7.99, True), (7.990000000000001, False)])
def test_values_are_compared_by_their_means(last: float, triggered: bool) -> None:
    PolicyFactory()
    record_at_once([10.0] * 8 + [8.01, 8.0, 8.0, last])
    state = RegressionState.objects.get()
    assert (state.triggered, state.baseline) == (triggered, 10)
    assert state.note.startswith("Triggered" if triggered else "Watching")
    assert state.current == pytest.approx(8, abs=0.01)


def test_a_baseline_of_zero_never_triggers_and_the_note_says_why() -> None:
    PolicyFactory()
    record([0.0] * 8 + [-5.0] * 4)
    state = evaluate()
    assert (state.baseline, state.current, state.drop_fraction, state.triggered) == (0, -5, None, False)
    assert "The baseline is 0" in state.note


def test_a_drop_beyond_a_double_is_stored_as_the_largest() -> None:
    PolicyFactory()
    record([5e-324] * 8 + [-1e15] * 4)
    state = RegressionState.objects.get()
    assert (state.triggered, state.drop_fraction) == (True, 1.7976931348623157e308)
    assert risk_policy(DOMAIN).reason.endswith("drop=1.8e+308")


def test_another_metrics_events_do_not_count() -> None:
    PolicyFactory()
    record_at_once("SSSSSSSS")
    record("FFFF", metric="another")
    record("FFFF", domain="ANOTHER")
    assert (evaluate().current_count, evaluate().baseline) == (0, 1)


# Reading


def _plans(seen: CaptureQueriesContext) -> list[str]:
    """Return the plans of the queries that read events."""
    reads = [query["sql"] for query in seen.captured_queries if "FROM kpi_event" in query["sql"]]
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN (ANALYZE)"
    plans = []
    for sql in reads:
        with connection.cursor() as cursor:
            cursor.execute(f"{explain} {sql}")
            plans.append("\n".join(str(row) for row in cursor.fetchall()))
    return plans


@pytest.mark.parametrize("busy", [METRIC, "another"])
@pytest.mark.parametrize("triggered", [False, True])
def test_an_evaluation_reads_the_same_few_rows_however_many_events_there_are(triggered: bool, busy: str) -> None:
    """Whether its own events are many, or it has been silent while others' went on."""
    PolicyFactory()
    numbers = []
    for more in (1_000, 9_000):
        if not numbers:
            many_events(1_000)
        if triggered and not numbers:
            record("FFFF")
        many_events(more, metric=busy)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE kpi_event")
        with CaptureQueriesContext(connection) as seen:
            state = evaluate()
        assert (state.triggered, state.baseline_count, state.current_count) == (triggered, 8, 4)
        numbers.append(len(seen))
        plans = _plans(seen)
        assert plans
        for plan in plans:
            assert "kpi_newest" in plan, plan
            assert not any(word in plan for word in ("Seq Scan", "Sort", "B-TREE", "Rows Removed")), plan
    assert numbers[0] == numbers[1]


def test_what_a_gap_holds_is_not_read() -> None:
    PolicyFactory()
    record_at_once("SSSSSSSS")
    before = KpiEvent.objects.latest("pk").pk
    many_events(2_000, success=False)
    GapFactory(after_id=before, until_id=KpiEvent.objects.latest("pk").pk)
    with CaptureQueriesContext(connection) as seen:
        state = evaluate()
    assert (state.baseline, state.baseline_count) == (1, 8)
    bounds = [query["sql"] for query in seen.captured_queries if "FROM kpi_event" in query["sql"]]
    assert len(bounds) == 2


def test_events_between_many_gaps_are_read_one_by_one() -> None:
    PolicyFactory(window_events=1, baseline_events=3, min_events_to_enforce=1)
    kept = []
    for _ in range(8):
        kept.append(EventFactory(success=True).pk)
        lost = [EventFactory(success=False).pk for _ in range(3)]
        GapFactory(after_id=kept[-1], until_id=lost[-1])
    for limit in range(1, 10):
        found = selectors.effective(DOMAIN, METRIC, limit=limit)
        assert [event.id for event in found] == kept[::-1][:limit]
    assert (evaluate().baseline, evaluate().baseline_count) == (1, 3)
