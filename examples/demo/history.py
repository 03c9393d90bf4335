"""The demo as a whole: where it may play, what it plays, and that it leaves no control looser than it was."""

from __future__ import annotations

import dataclasses
import datetime as dt
import random
from collections import Counter
from collections.abc import Iterator

from examples.demo.desk import Desk, objections
from examples.demo.engines import Engines
from examples.demo.schedule import Schedule
from governance import clock, origin
from heimdall import selectors as heimdall
from regression import selectors as regression
from riskguard import selectors as riskguard

LEAST = dt.timedelta(days=6)


class Unfit(Exception):
    """The demo must not play on this database; the text says why, and what helps."""


@dataclasses.dataclass(frozen=True, slots=True)
class Span:
    """The simulated time, up to now."""

    start: dt.datetime
    end: dt.datetime


def span(weeks: int, *, force: bool) -> Span:
    """Return the time to play, or raise Unfit. Where there is history, it starts after that, and only if forced.

    So the trails stay in order of time, and the ledger opens no day again.
    """
    end = clock.now()
    start = end - dt.timedelta(weeks=weeks)
    seen = [at for at in (riskguard.newest_event_at(), heimdall.newest_event_at(), regression.newest_event_at()) if at]
    if seen and not force:
        raise Unfit(
            f"This database holds history, up to {max(seen):%Y-%m-%d %H:%M} UTC: play the demo on an empty one "
            "(DATABASE_URL), or say --force to add the demo after it."
        )
    found = objections()
    if found:
        raise Unfit(f"Not on this database, forced or not: {'; '.join(found)}.")
    if seen:
        midnight = dt.time(tzinfo=dt.UTC)
        start = max(start, dt.datetime.combine(max(seen).date() + dt.timedelta(days=1), midnight))
    if end - start < LEAST:
        raise Unfit(f"The history here ends less than {LEAST.days} days ago: the demo finds no room after it.")
    return Span(start, end)


def play(time: Span, *, seed: int, share: float, tally: Counter[str]) -> Iterator[dt.datetime]:
    """Play the demo, yield how far it is, and count into ``tally``; ``share`` is that of the full traffic."""
    rng = random.Random(seed)  # noqa: S311 -- a story, not a secret
    schedule = Schedule(time.start, time.end, rng)
    desk = Desk(schedule, tally)
    weeks = (time.end - time.start) / dt.timedelta(weeks=1) * share
    with origin.of(via="command"):
        desk.plan()
        Engines(schedule, desk, tally, rng, weeks=weeks).plan()
        try:
            yield from schedule.play()
        finally:
            with clock.at(time.end):
                desk.give_back()
