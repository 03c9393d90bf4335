"""(f) The review of a week, with few and with many events in it and in the week before."""

from __future__ import annotations

import time
from functools import partial

from bench import history
from bench.report import Part, Target
from bench.rounds import SECONDS, Figures, interleaved
from bench.stage import Stage

SIZES = (10**4, 10**6)


def measure(stage: Stage) -> Part:
    """Read the review of databases that hold so many events of each kind."""
    for size in SIZES:
        name = _name(size)
        stage.copy(name)
        with stage.on(name):
            for table in ("risk_event", "heimdall_event", "kpi_event"):
                history.fill(table, size)
    measured = interleaved({_name(size): partial(_reviewed, stage, _name(size)) for size in SIZES})
    few, many = map(_name, SIZES)
    ratio = measured.ratio(many, few, "milliseconds")
    return Part(
        "(f) The review",
        ["events of risk guard, Heimdall and KPIs, each", "median, ms", "to the first"],
        [
            [f"{size:,}", f"{measured.median(_name(size), 'milliseconds'):.1f}", f"{ratio:.2f}" if n else "1"]
            for n, size in enumerate(SIZES)
        ],
        [Target(f"the review at {SIZES[1]:,} events to its time at {SIZES[0]:,}", ratio, 3, most=True)],
    )


def _reviewed(stage: Stage, name: str) -> Figures:
    from governance import review  # noqa: PLC0415 -- Django must be set up first

    with stage.on(name):
        review.control_plane(review.last_week())
        times, until = [], time.perf_counter() + SECONDS
        while time.perf_counter() < until:
            began = time.perf_counter()
            review.control_plane(review.last_week())
            times.append(time.perf_counter() - began)
    return {"milliseconds": 1e3 * sorted(times)[len(times) // 2]}


def _name(size: int) -> str:
    return f"reviewed_{size}"
