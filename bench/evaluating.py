"""(d) One evaluation of a tripwire, whatever the number of its events."""

from __future__ import annotations

from functools import partial

from bench import history
from bench.report import Part, Target
from bench.rounds import Figures, interleaved
from bench.stage import ACCOUNT, ENGINE, METRIC, Stage
from bench.timing import timed

SIZES = (10**3, 10**5, 10**6)


def measure(stage: Stage) -> Part:
    """Evaluate in databases that hold so many events."""
    for size in SIZES:
        stage.copy(_name(size))
        with stage.on(_name(size)):
            history.fill("kpi_event", size)
    measured = interleaved({_name(size): partial(_evaluated, stage, _name(size)) for size in SIZES})
    few, *_some, many = map(_name, SIZES)
    ratio = measured.ratio(many, few, "milliseconds")
    rows = [[f"{size:,}", f"{measured.median(_name(size), 'milliseconds'):.2f}"] for size in SIZES]
    return Part(
        "(d) Evaluate",
        ["KPI events", "ms"],
        rows,
        [Target(f"evaluate at {SIZES[-1]:,} events to its time at {SIZES[0]:,}", ratio, 1.2, most=True)],
    )


def _evaluated(stage: Stage, name: str) -> Figures:
    from regression.services import evaluate  # noqa: PLC0415 -- Django must be set up first

    with stage.on(name):
        return timed(lambda: evaluate(domain=ENGINE, metric=METRIC, actor=ACCOUNT))


def _name(size: int) -> str:
    return f"evaluated_{size}"
