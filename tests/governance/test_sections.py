"""The days that stand for a period, and plots for machines."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from governance.sections import Period, Plot, Series, Table

pytestmark = pytest.mark.sqlite
MONDAY = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
DAY = dt.timedelta(days=1)


@pytest.mark.parametrize(("end", "last"), [
    (MONDAY, dt.date(2026, 11, 22)),
    (MONDAY + dt.timedelta(microseconds=1), dt.date(2026, 11, 23)),
    (MONDAY + DAY / 2, dt.date(2026, 11, 23)),
])  # fmt: skip
def test_a_week_is_seven_days_up_to_that_in_which_it_ends(end: dt.datetime, last: dt.date) -> None:
    days = Period(end - 7 * DAY, end).days()
    assert len(days) == 7
    assert (days[0], days[-1]) == (last - 6 * DAY, last)
    assert days == sorted(days)


@pytest.mark.parametrize(("length", "days"), [(DAY / 24, 1), (DAY, 1), (DAY + DAY / 24, 2)])
def test_a_period_stands_for_as_many_whole_days(length: dt.timedelta, days: int) -> None:
    assert len(Period(MONDAY + DAY / 8, MONDAY + DAY / 8 + length).days()) == days


def test_the_days_of_the_period_before_end_where_its_own_begin() -> None:
    period = Period(MONDAY - 7 * DAY, MONDAY)
    assert period.before().days()[-1] + DAY == period.days()[0]


def test_a_plot_is_told_to_machines() -> None:
    series = Series(name="Exposure", values=[Decimal("1.50"), None])
    plot = Plot(title="A", kind="line", axis="Day", labels=["1", "2"], series=[series], said="b", unit="USD")
    assert plot.data() == {
        "title": "A", "said": "b", "unit": "USD", "axis": "Day", "labels": ["1", "2"],
        "series": [{"name": "Exposure", "values": [Decimal("1.50"), None]}],
    }  # fmt: skip


def test_a_table_has_each_cell_under_its_column_and_none_left_over() -> None:
    assert Table("T", ["a", "b"], [["1", "2"]], "").cells() == [[("a", "1"), ("b", "2")]]
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        Table("T", ["a", "b"], [["1"]], "").cells()
