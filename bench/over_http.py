"""(b) Reserve and KPI over HTTP with a token, beside a bare view that inserts one row, on one server."""

from __future__ import annotations

from functools import partial

from bench import load
from bench.gate import INSERT
from bench.load import Call
from bench.report import Part, Target
from bench.rounds import interleaved
from bench.stage import ENGINE, METRIC, Stage

BARE, KNOWN, RESERVE, KPI = "insert one row", "insert one row, with a token", "reserve", "KPI, watched by a tripwire"


def measure(stage: Stage) -> Part:
    """Compare them behind all the product's middleware."""
    token = stage.token
    calls = {
        BARE: INSERT,
        KNOWN: Call(path="/api/governance/bench/known-insert", body=INSERT.body, token=token),
        RESERVE: Call(
            path="/api/governance/risk/check-and-reserve", body={"engine": ENGINE, "amount": 1}, token=token, keyed=True
        ),
        KPI: Call(
            path="/api/governance/regression/kpi",
            body={"domain": ENGINE, "metric": METRIC, "success": True},
            token=token,
        ),
    }
    with stage.serving() as served:
        measured = interleaved({name: partial(load.on, stage, served, call) for name, call in calls.items()})
    rows = [
        [
            name,
            *(f"{measured.median(name, 'rate'):.0f}",),
            *(f"{measured.median(name, figure):.2f}" for figure in ("worker CPU", "database CPU")),
            *(f"{measured.ratio(name, to, 'rate'):.2f}" for to in (BARE, KNOWN)),
        ]
        for name in calls
    ]
    return Part(
        "(b) Over HTTP",
        ["", "answers/s", "worker CPU, ms", "database CPU, ms", "to the bare view", "to the bare view with a token"],
        rows,
        [
            Target("HTTP reserve to the bare insert view", measured.ratio(RESERVE, BARE, "rate"), 0.8),
            Target("HTTP KPI with an enabled policy to it", measured.ratio(KPI, BARE, "rate"), 0.8),
        ],
    )
