"""(f) The review of a week, with few and with many events in it and in the week before."""

from __future__ import annotations

from functools import partial

from bench import history
from bench.report import Part, Target
from bench.rounds import Figures, interleaved
from bench.stage import Stage
from bench.timing import timed

SIZES = (10**4, 10**6)


def measure(stage: Stage) -> Part:
    """Read the review of databases that hold so many events of each kind."""
    for size in SIZES:
        stage.copy(_name(size))
        with stage.on(_name(size)):
            for table in ("risk_event", "heimdall_event", "kpi_event"):
                history.fill(table, size)
    measured = interleaved({_name(size): partial(_reviewed, stage, _name(size)) for size in SIZES})
    few, many = map(_name, SIZES)
    ratio = measured.ratio(many, few, "milliseconds")
    rows = [[f"{size:,}", f"{measured.median(_name(size), 'milliseconds'):.1f}"] for size in SIZES]
    return Part(
        "(f) The review",
        ["events of risk guard, of Heimdall and of KPIs, each", "ms"],
        rows,
        [Target(f"the review at {SIZES[1]:,} events to its time at {SIZES[0]:,}", ratio, 3, most=True)],
    )


def _reviewed(stage: Stage, name: str) -> Figures:
    from governance import review  # noqa: PLC0415 -- Django must be set up first

    with stage.on(name):
        return timed(lambda: review.control_plane(review.last_week()))


def _name(size: int) -> str:
    return f"reviewed_{size}"
