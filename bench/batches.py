"""(e) Reservations one by one, and fifty or a thousand in one transaction."""

from __future__ import annotations

from functools import partial

from bench.report import Part, Target
from bench.rounds import Figures, interleaved
from bench.stage import ACCOUNT, ENGINE, Stage
from bench.timing import timed

SIZES = (50, 1_000)
SINGLES = "one by one"


def measure(_stage: Stage) -> Part:
    """Compare how many are decided a second, by one caller."""
    cases = {SINGLES: _singles, **{f"{size:,} at once": partial(_batch, size) for size in SIZES}}
    measured = interleaved(cases)
    rows = [
        [name, f"{measured.median(name, 'rate'):.0f}", f"{measured.ratio(name, SINGLES, 'rate'):.1f}"] for name in cases
    ]
    ratio = measured.ratio(f"{SIZES[0]} at once", SINGLES, "rate")
    return Part(
        "(e) Batches",
        ["`services.reserve` and `reserve_many`", "reservations/s", "to one by one"],
        rows,
        [Target(f"a batch of {SIZES[0]} to the singles' rate", ratio, 10)],
    )


def _singles() -> Figures:
    from riskguard.services import reserve  # noqa: PLC0415 -- Django must be set up first

    return timed(lambda: reserve(engine=ENGINE, amount=1, actor=ACCOUNT))


def _batch(size: int) -> Figures:
    from riskguard.decisions import Order  # noqa: PLC0415 -- Django must be set up first
    from riskguard.services import reserve_many  # noqa: PLC0415

    orders = [Order(engine=ENGINE, amount=1, actor=ACCOUNT)] * size
    return timed(lambda: reserve_many(orders=orders), size)
