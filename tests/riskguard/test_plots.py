"""Exposure against the cap that stood on each day, and refusals by reason."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance import clock, tallies
from governance.changes import submit
from governance.sections import Period, Plot
from riskguard import plots, rules, selectors
from riskguard.rules import GLOBAL
from tests.riskguard.factories import DAY, NOON, LedgerDayFactory, PolicyFactory, reserved

pytestmark = pytest.mark.usefixtures("live")
WEEK = Period(NOON - 7 * DAY, NOON)
MONDAY = dt.date(2026, 11, 23)
DAYS = [MONDAY + dt.timedelta(days=number) for number in range(3)]


def exposure() -> dict[str, Plot]:
    drawn = plots.exposure(selectors.ledger_today(), WEEK)
    return {plot.title.partition(":")[0]: plot for plot in drawn}


@pytest.mark.parametrize(("standing", "changes", "caps"), [
    (10, [], [10, 10, 10]),
    (10, [(DAYS[2], 30)], [30, 30, 30]),  # lowered on the last day: until then 30 stood
    (30, [(DAYS[2], 10)], [10, 10, 30]),  # raised on the last day
    (10, [(DAYS[1], 30)], [30, 30, 10]),
    (10, [(DAYS[1], 50), (DAYS[1], 20)], [20, 50, 10]),  # twice on one day: the highest of it
    (10, [(DAYS[1], None)], [None, None, 10]),  # no cap stood before
    (None, [(DAYS[2], 10)], [10, 10, None]),
    (10, [(DAYS[2] + dt.timedelta(days=1), 40)], [40, 40, 40]),  # after the days
    (10, [(DAYS[0] - dt.timedelta(days=1), 40)], [10, 10, 10]),  # before them
])  # fmt: skip
def test_the_cap_of_a_day_is_the_highest_that_stood_on_it(
    standing: int | None, changes: list[tuple[dt.date, int | None]], caps: list[int | None]
) -> None:
    assert rules.caps_by_day(DAYS, standing, changes) == caps


def test_each_day_shows_what_was_taken_and_the_cap_of_that_day() -> None:
    today = NOON.date()
    LedgerDayFactory(engine="CAPITAL", day=today - 3 * DAY, exposure_used=70_050)
    LedgerDayFactory(engine=GLOBAL, day=today - 3 * DAY, exposure_used=70_050)
    with clock.at(NOON - DAY):
        submit(action="risk.policy.set", target="CAPITAL", patch={"max_daily_exposure": 500}, actor="jo", reason="less")
    reserved("CAPITAL", 12_345)
    plot = exposure()["CAPITAL"]
    used, cap = plot.series
    assert len(plot.labels) == len(used.values) == len(cap.values) == 14
    assert plot.labels[-1] == f"{today:%m-%d}"
    assert [float(value or 0) for value in used.values[-4:]] == [700.5, 0, 0, 123.45]
    assert list(cap.values[-4:]) == [750, 750, 750, 500]
    assert plot.unit == "USD"


def test_an_engine_that_did_nothing_is_left_out_and_global_is_not() -> None:
    assert list(exposure()) == [GLOBAL]
    reserved("CAPITAL", 1)
    assert list(exposure()) == [GLOBAL, "CAPITAL"]


def test_without_a_cap_there_is_no_line_of_one() -> None:
    PolicyFactory(engine="OPEN", max_daily_exposure=None, enabled=True)
    LedgerDayFactory(engine="OPEN", day=NOON.date(), exposure_used=1)
    assert set(exposure()["OPEN"].series[1].values) == {None}


def test_the_queries_are_as_many_for_ten_engines() -> None:
    counts = []
    for number in range(10):
        PolicyFactory(engine=f"E{number}")
        LedgerDayFactory(engine=f"E{number}", day=NOON.date(), exposure_used=1)
        if number in {0, 9}:
            lines = selectors.ledger_today()
            with CaptureQueriesContext(connection) as seen:
                plots.exposure(lines, WEEK)
            counts.append(len(seen))
    assert counts == [2, 2]


def test_refusals_stand_beside_those_of_the_week_before_and_a_bound_is_told() -> None:
    (plot,) = plots.refusals(["busy", "policy_missing"], {"busy": tallies.MOST}, {"policy_missing": 3})
    assert plot.labels == ["busy", "policy missing"]
    assert [list(series.values) for series in plot.series] == [[tallies.MOST, 0], [0, 3]]
    assert "At most 2,000" in plot.said
    (exact,) = plots.refusals(["busy"], {"busy": 1}, {})
    assert "At most" not in exact.said
    assert plots.refusals([], {}, {}) == []
