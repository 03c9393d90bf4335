"""What Chart.js is given: values and options that a person can read in the light, in the dark and as a table."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from governance.console import charts
from governance.sections import Plot, Series

pytestmark = pytest.mark.sqlite
GROUNDS = ("#ffffff", "#1a2230")  # a card in the light and in the dark, as console.css has them


def plot(kind: str = "line", labels: int = 2, **series: object) -> Plot:
    names = [str(number) for number in range(labels)]
    drawn = [Series(name="One", values=[1.0] * labels, **series), Series(name="Two", values=[None] * labels)]  # type: ignore[arg-type]
    return Plot(title="T", kind=kind, axis="Day", labels=names, series=drawn, said="s")  # type: ignore[arg-type]


def luminance(colour: str) -> float:
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("tone", sorted(charts._TONES))
def test_every_colour_stands_out_from_the_page(tone: str, ground: str) -> None:
    light, dark = sorted((luminance(charts._TONES[tone]), luminance(ground)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


def test_values_stay_exact_and_a_gap_stays_a_gap() -> None:
    series = [Series(name="Used", values=[Decimal("0.10"), None, 3])]
    chart = charts.drawn(Plot(title="T", kind="line", axis="D", labels=["a", "b", "c"], series=series, said="s"))
    assert '"data": [0.10, null, 3]' in chart.data
    assert chart.rows == [("a", [("Used", "0.10")]), ("b", [("Used", "-")]), ("c", [("Used", "3")])]


def test_bars_lie_so_that_their_reasons_can_be_read_and_many_get_more_room() -> None:
    few, many = (charts.drawn(plot("bar", labels)) for labels in (6, 7))
    assert json.loads(few.options)["indexAxis"] == "y"
    assert "tall" not in few.size
    assert "tall" in many.size


def test_lines_differ_by_more_than_their_colour() -> None:
    dashed, plain = json.loads(charts.drawn(plot(dashed=True)).data)["datasets"]
    assert dashed["borderDash"]
    assert "borderDash" not in plain
    mark = json.loads(charts.drawn(plot(marks=True)).data)["datasets"][0]
    assert (mark["showLine"], mark["pointStyle"]) == (False, "triangle")
    assert json.loads(charts.drawn(plot(band=True)).data)["datasets"][0]["fill"] == "-1"


def test_a_share_is_drawn_up_to_one() -> None:
    series = [Series(name="Rate", values=[0.5])]
    shared = Plot(title="T", kind="line", axis="D", labels=["a"], series=series, said="s", share=True)
    assert json.loads(charts.drawn(shared).options)["scales"]["y"]["max"] == 1
