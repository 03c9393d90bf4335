from __future__ import annotations

import pytest

from governance.errors import Invalid
from regression import histories
from regression.histories import History
from regression.rules import Event
from tests.regression.factories import DOMAIN, METRIC, record


def read(text: str, limit: int = 100) -> History:
    return histories.of_csv("rates.csv", text.splitlines(keepends=True), limit=limit)


def refusal(text: str) -> str:
    with pytest.raises(Invalid) as raised:
        read(text)
    return raised.value.errors["csv"][0]


def test_a_line_is_true_false_or_a_number() -> None:
    assert read("true\nFalse\n\n0.83\n-1e3\n").events == [
        Event(1, True, None), Event(2, False, None), Event(4, None, 0.83), Event(5, None, -1000.0),
    ]  # fmt: skip


def test_named_columns_are_read_wherever_they_stand_and_others_are_passed_over() -> None:
    history = read("at,actor,success,value\n2026-11-24T02:00Z,bot,1,\n,bot,,0.5\n")
    assert history.events == [Event(2, True, None), Event(3, None, 0.5)]
    assert (history.when(1), history.when(2)) == ("2026-11-24T02:00Z", "")
    assert history.timed([1]) is history


def test_the_newest_are_taken_and_told_of_how_many() -> None:
    history = read("success\n1\n0\n1\n", limit=2)
    assert history.events == [Event(3, False, None), Event(4, True, None)]
    assert history.held == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("true\nfine\n", "Line 2: 'fine' is neither true nor false, nor a number."),
        ("value\n0.5\n1_000\n", "Line 3: '1_000' is no number."),
        ("value\nnan\n", "Line 2: 'nan' is no number."),
        ("value\n1e16\n", "Line 2: Must be a finite number from -10^15 to 10^15."),
        ("success,value\n1,0.5\n", "Line 2: Give exactly one of success and value."),
        ("success,at\n,yesterday\n", "Line 2: Give exactly one of success and value."),
        ("success\n2\n", "Line 2: '2' is neither true nor false, nor a number."),
        ("1,2\n", "Line 1: It has several columns and no name says which counts: name them, success or value, first."),
        ('success\n1\n"0\n', "Line 3: It is no CSV: unexpected end of data."),
        ("success\n", "It holds no event: give a line for each, such as true, false or 0.83."),
        ("", "It holds no event: give a line for each, such as true, false or 0.83."),
    ],
)
def test_an_error_names_the_line_and_what_to_give(text: str, said: str) -> None:
    assert refusal(text) == said


def test_a_file_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "MAX_HISTORY", 2)
    assert read("1\n0\n").held == 2
    assert refusal("1\n0\n1\n") == "Line 3: It holds more than 2 events: take the newest of them."


@pytest.mark.django_db
def test_what_is_recorded_is_read_in_order_with_the_times_that_are_asked_for() -> None:
    ids = [recorded.id for recorded in record("SSFS")]
    history = histories.recorded(DOMAIN, METRIC, limit=3)
    assert [event.id for event in history.events] == ids[1:]
    assert [event.success for event in history.events] == [True, False, True]
    timed = history.timed([2])
    assert timed.when(2).endswith("Z")
    assert set(timed.at or ()) == set(ids[1:])
    assert histories.recorded(DOMAIN, METRIC, limit=9, upto=ids[1]).events[-1].id == ids[1]
