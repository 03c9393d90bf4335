"""A tripwire's rate at moments of the past: its window as it was then, by as many reads whatever the table holds."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.sections import Period
from regression import plots, rates, selectors
from tests.regression.factories import EventFactory, IncidentFactory, PolicyFactory, StateFactory, many_events

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
HOUR, WEEK = dt.timedelta(hours=1), dt.timedelta(days=7)
PERIOD = Period(NOW - WEEK, NOW)


def seen(outcomes: str, at: dt.datetime, **pair: str) -> None:
    for letter in outcomes:
        EventFactory(at=at, success=letter == "S", **pair)


def test_the_window_is_that_of_the_moment() -> None:
    policy = PolicyFactory()
    seen("SSSS", NOW - 3 * HOUR)
    seen("SF", NOW - 2 * HOUR)
    seen("FFFF", NOW)
    moments = [NOW - 4 * HOUR, NOW - 3 * HOUR, NOW - HOUR, NOW]
    assert rates.at_moments([policy], moments) == [[None, 1, 0.75, 0]]


def test_values_are_averaged_and_other_tripwires_are_not_mixed_in() -> None:
    money, signed = PolicyFactory(metric="roi"), PolicyFactory(metric="signed")
    for value in (1.5, -0.5, 2):
        EventFactory(at=NOW, metric="roi", success=None, value=value)
    seen("S", NOW, metric="signed")
    seen("FFFF", NOW, domain="OTHERS", metric="signed")
    assert rates.at_moments([money, signed], [NOW]) == [[1], [1]]


def test_a_long_window_is_read_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST_EVENTS", 2)
    seen("FFSS", NOW)
    assert rates.at_moments([PolicyFactory(window_events=4)], [NOW]) == [[1]]


def test_nothing_is_known_of_an_empty_table_or_of_no_tripwire() -> None:
    assert rates.at_moments([PolicyFactory()], [NOW, NOW]) == [[None, None]]
    seen("S", NOW)
    assert rates.at_moments([], [NOW]) == []


def test_two_queries_tell_every_tripwire_at_every_moment() -> None:
    every = [PolicyFactory(metric=f"m{number}") for number in range(10)]
    seen("S", NOW - WEEK, metric="m3")
    with CaptureQueriesContext(connection) as asked:
        found = rates.at_moments(every, [NOW - HOUR * step for step in range(28)])
    assert len(asked) == 2
    assert [values[0] for values in found] == [None] * 3 + [1] + [None] * 6


def test_the_events_since_a_moment_are_counted_up_to_a_bound_in_one_query(monkeypatch: pytest.MonkeyPatch) -> None:
    policy, quiet = PolicyFactory(), PolicyFactory(metric="quiet")
    seen("SSS", NOW - HOUR)
    seen("SF", NOW)
    seen("S", NOW + HOUR, metric="unwatched")
    with CaptureQueriesContext(connection) as asked:
        found = rates.events_since(NOW)
    assert len(asked) == 1
    assert (found[policy.pk], found[quiet.pk]) == (2, 0)
    monkeypatch.setattr(rates.tallies, "MOST", 4)
    assert rates.events_since(NOW - HOUR)[policy.pk] == 4


@pytest.mark.postgresql
def test_each_window_is_read_from_the_index_alone() -> None:
    many_events(1_000, at=NOW)
    many_events(9_000, at=NOW, metric="another")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE kpi_event")  # its estimates outlive a rollback, and those of another test would count
    with CaptureQueriesContext(connection) as asked:
        rates.at_moments([PolicyFactory()], [NOW])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {asked[-1]['sql']}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Only Scan" in plan
    assert "kpi_newest" in plan
    assert "Sort" not in plan


# The plots


def test_a_plot_holds_the_rate_the_baseline_the_threshold_and_each_trip() -> None:
    policy = PolicyFactory()
    StateFactory(baseline=1.0)
    seen("SSSS", NOW - 13 * dt.timedelta(days=1))
    seen("FFFF", NOW - HOUR)
    IncidentFactory(opened_at=NOW - 2 * HOUR, current=0.7)
    IncidentFactory(opened_at=NOW - 3 * HOUR, current=0.6, mode="SHADOW")
    IncidentFactory(opened_at=NOW - 4 * HOUR, current=0.1, metric="another")
    states = {(state.domain, state.metric): state for state in selectors.states()}
    (plot,), (drift,) = plots.drawn([policy], states, PERIOD)
    series = {one.name: list(one.values) for one in plot.series}
    assert list(series) == ["Rate", "Baseline", "Trips at or below", "Trip", "Trip in SHADOW"]
    assert len(plot.labels) == 29 + 2
    assert plot.labels[-4:] == ["11-22 21:00", "11-23 06:00", "11-23 07:00", "11-23 09:00"]
    assert series["Rate"][:3] == [None, None, 1]
    assert series["Rate"][-4:] == [1, 0.6, 0.7, 0]
    assert series["Trip"][-4:] == [None, None, 0.7, None]
    assert series["Trip in SHADOW"][-4:] == [None, 0.6, None, None]
    assert set(series["Baseline"]) == {1.0}
    assert series["Trips at or below"][0] == pytest.approx(0.8)
    assert (drift.question, drift.label, drift.now, drift.before) == ("drifted", "OFFERS signed", "0", "1")


def test_one_that_weighs_evidence_has_a_floor_and_one_without_a_baseline_no_threshold() -> None:
    policy = PolicyFactory()
    seen("S", NOW - HOUR)
    (plot,), _drift = plots.drawn([policy], {}, PERIOD)
    assert [one.name for one in plot.series] == ["Rate"]
    policy.detector, policy.baseline_kind = "SEQUENTIAL", "PINNED"
    (plot,), _drift = plots.drawn([policy], {("OFFERS", "signed"): StateFactory(baseline=0.9)}, PERIOD)
    assert [one.name for one in plot.series] == ["Rate", "Baseline", "Never trips above"]


def test_one_without_an_event_is_left_out() -> None:
    assert plots.drawn([PolicyFactory()], {}, PERIOD) == ([], [])


def test_the_triggered_and_the_enabled_are_drawn_first_where_there_are_too_many() -> None:
    every = [PolicyFactory(metric=f"m{number:02}", enabled=False) for number in range(plots.MOST_DRAWN + 1)]
    for policy in every:
        seen("S", NOW - HOUR, metric=policy.metric)
    every[-1].enabled = True
    drawn, _drift = plots.drawn(every, {}, PERIOD)
    assert len(drawn) == plots.MOST_DRAWN
    assert drawn[0].title.startswith(f"OFFERS {every[-1].metric}")


def test_the_newest_five_trips_are_marked() -> None:
    policy = PolicyFactory()
    seen("S", NOW - WEEK)
    for hours in range(7):
        IncidentFactory(opened_at=NOW - (7 - hours) * HOUR, current=hours / 10)
    (plot,), _drift = plots.drawn([policy], {}, PERIOD)
    marked = [value for value in plot.series[-1].values if value is not None]
    assert marked == [0.2, 0.3, 0.4, 0.5, 0.6]
