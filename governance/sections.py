"""What a lever says in the review: its figures for machines, and for people tables, plots and comparisons."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

Tone = Literal["blue", "orange", "red", "green", "grey"]
_DAY = dt.timedelta(days=1)
Question = Literal["broke", "denied", "drifted"]


@dataclasses.dataclass(frozen=True, slots=True)
class Period:
    """The time that a review looks at: from ``start`` up to but not including ``end`` (aware, UTC)."""

    start: dt.datetime
    end: dt.datetime

    def before(self) -> Period:
        """Return the period of the same length just before."""
        return Period(self.start - (self.end - self.start), self.start)

    def days(self) -> list[dt.date]:
        """Return the UTC days that stand for the period: as many whole days, the last that in which it ends.

        A week up to Tuesday noon is the seven days from Wednesday to Tuesday.
        """
        last = (self.end - dt.timedelta(microseconds=1)).astimezone(dt.UTC).date()
        count = max(1, -((self.start - self.end) // _DAY))
        return [last - _DAY * back for back in reversed(range(count))]


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """Rows for a person to read; ``empty`` is the sentence that stands where there are none."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    empty: str

    def cells(self) -> list[list[tuple[str, str]]]:
        """Return the rows with each cell under the name of its column."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A line or a set of bars of a plot: a value by label, None where there is none.

    A ``band`` is filled down to the series before it; ``marks`` stand alone, without a line.
    """

    name: str
    values: Sequence[float | Decimal | None]
    tone: Tone = "blue"
    dashed: bool = False
    stepped: bool = False
    marks: bool = False
    band: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Values over the labels of an ``axis``, which a page draws and a machine reads.

    ``said`` tells what is drawn, with its source. The values of a ``share`` lie between 0 and 1.
    """

    title: str
    kind: Literal["line", "bar"]
    axis: str
    labels: Sequence[str]
    series: Sequence[Series]
    said: str
    unit: str = ""
    share: bool = False

    def data(self) -> dict[str, Any]:
        """Return the plot for machines, JSON-ready."""
        return {
            "title": self.title,
            "said": self.said,
            "unit": self.unit,
            "axis": self.axis,
            "labels": list(self.labels),
            "series": [{"name": series.name, "values": list(series.values)} for series in self.series],
        }


@dataclasses.dataclass(frozen=True, slots=True)
class Compared:
    """A figure of the period beside that of the period before; it answers what broke, was denied or drifted."""

    question: Question
    label: str
    now: str
    before: str


@dataclasses.dataclass(frozen=True, slots=True)
class Suggested:
    """A change that the figures speak for: a registered action, its target, its name on a button, its patch as JSON."""

    action: str
    target: str
    label: str
    patch: str


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """A lever's part of the review: ``data`` for machines (JSON-ready), ``tables`` for people, ``alarms`` first.

    ``links`` are further pages of the console: what they are called, and their name in the admin's namespace.
    """

    name: str
    title: str
    data: Mapping[str, Any]
    tables: Sequence[Table]
    alarms: Sequence[str] = ()
    plots: Sequence[Plot] = ()
    compared: Sequence[Compared] = ()
    suggested: Sequence[Suggested] = ()
    links: Sequence[tuple[str, str]] = ()
