"""Histories of one metric that a tripwire can be tried on: what is recorded here, or what a CSV file holds."""

from __future__ import annotations

import csv
import dataclasses
import datetime as dt
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from governance.errors import Invalid
from regression import rates, rules, selectors
from regression.baselines import Pinned
from regression.models import RegressionBaseline
from regression.rules import Event

MAX_HISTORY = 1_000_000
_WORDS = {"true": True, "1": True, "false": False, "0": False}
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_HEADERS = ("success", "value", "at")


@dataclasses.dataclass(frozen=True, slots=True)
class History:
    """Events in their order, the oldest first: the newest of ``held``.

    The events' ids are those of ``kpi_event``, or the lines of the file. ``at`` knows when some of them happened; None:
    the database knows, and has not been asked. ``pins`` are the baselines that were in force, in their order.
    """

    source: str
    events: Sequence[Event]
    held: int
    at: Mapping[int, str] | None
    pins: Sequence[Pinned] = ()

    def when(self, place: int) -> str:
        """Return when the ``place``-th event, from 1 on, happened (UTC); empty where that is not known."""
        return (self.at or {}).get(self.events[place - 1].id, "")

    def timed(self, places: Iterable[int]) -> History:
        """Return the history with the times of the events at ``places`` and of its first and last, where recorded."""
        if self.at is not None or not self.events:
            return self
        ids = {self.events[place - 1].id for place in (1, len(self.events), *places)}
        return dataclasses.replace(self, at={number: _told(at) for number, at in selectors.events_at(ids).items()})


def recorded(domain: str, metric: str, *, limit: int, upto: int = rules.END) -> History:
    """Return the newest ``limit`` recorded events of a tripwire, up to and with ``upto``, and its pins until then."""
    events = selectors.newest(domain, metric, limit=limit, upto=upto)[::-1]
    last = events[-1].id if events else 0
    pins = [pin for pin in map(_pinned, selectors.complete_pins(domain, metric)) if pin.after_id <= last]
    return History(rules.key(domain, metric), events, len(events), None, pins)


def of_csv(name: str, lines: Iterable[str], *, limit: int) -> History:
    """Return the newest ``limit`` events of a CSV file; Invalid names the first line that is malformed.

    Its first line names the columns, ``success`` and ``value``, each line filling one of them, and maybe ``at``; others
    are passed over. A file without such a line has one column: true or false is a success or a failure, a number a
    value. Empty lines are passed over.
    """
    rows = _rows(lines)
    events: list[Event] = []
    at: dict[int, str] = {}
    header: dict[str, int] | None = None
    for line, cells in rows:
        if header is None:
            header = _header(cells)
            if header:
                continue
        told = {column: cells[place].strip() for column, place in header.items() if place < len(cells)}
        events.append(_event(line, told if header else _alone(line, cells)))
        if told.get("at"):
            at[line] = told["at"]
        if len(events) > MAX_HISTORY:
            raise _wrong(line, f"It holds more than {MAX_HISTORY:,} events: take the newest of them.")
    if not events:
        raise Invalid({"csv": ["It holds no event: give a line for each, such as true, false or 0.83."]})
    return History(name, events[-limit:], len(events), at)


def _rows(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as wrong:
        raise _wrong(reader.line_num, f"It is no CSV: {wrong}.") from None


def _header(cells: Sequence[str]) -> dict[str, int]:
    """Return the place of each column that counts; empty where the line names none of them."""
    named = [cell.strip().casefold() for cell in cells]
    found = {column: named.index(column) for column in _HEADERS if column in named}
    return found if "success" in found or "value" in found else {}


def _alone(line: int, cells: Sequence[str]) -> dict[str, str]:
    if len(cells) != 1:
        raise _wrong(line, "It has several columns and no name says which counts: name them, success or value, first.")
    text = cells[0].strip()
    return {"value": text} if _NUMBER.fullmatch(text) else {"success": text}


def _event(line: int, told: Mapping[str, str]) -> Event:
    success, value = (told.get(column, "") for column in ("success", "value"))
    if bool(success) == bool(value):
        raise _wrong(line, "Give exactly one of success and value.")
    if success and success.casefold() not in _WORDS:
        raise _wrong(line, f"{success!r} is neither true nor false, nor a number.")
    if value and not _NUMBER.fullmatch(value):
        raise _wrong(line, f"{value!r} is no number.")
    event = Event(line, _WORDS[success.casefold()] if success else None, float(value) if value else None)
    for said in rules.malformed(event.success, event.value).values():
        raise _wrong(line, said[0])
    return event


def _wrong(line: int, said: str) -> Invalid:
    return Invalid({"csv": [f"Line {line}: {said}"]})


def _pinned(row: RegressionBaseline) -> Pinned:
    """Return a pin; of one that was complete before its last event was kept, the newest event of that time."""
    after = row.last_event_id or (rates.newest_ids([row.completed_at])[0] if row.completed_at else None)
    known = row.mean or 0.0, row.bound or 0.0, row.correlation or 0.0
    return Pinned(after or 0, row.events, *known, row.scale)


def _told(at: dt.datetime) -> str:
    return f"{at.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
