"""(g) What a worker holds: when it has started, and when it has answered for a while."""

from __future__ import annotations

import statistics

from bench import load
from bench.gate import INSERT
from bench.load import Call
from bench.report import Part
from bench.stage import ENGINE, METRIC, Served, Stage

REST = ("/api/governance/review", "/api/governance/risk/ledger/today", "/api/governance/holds")


def measure(stage: Stage) -> Part:
    """Look at the workers before and after."""
    token = stage.token
    kpi = Call(
        path="/api/governance/regression/kpi",
        body={"domain": ENGINE, "metric": METRIC, "success": True},
        token=token,
    )
    with stage.serving() as served:
        rows = [_row("started, one answer given", served)]
        for call in (INSERT, kpi):
            load.on(stage, served, call)
        rows.append(_row("after two rounds of inserts and KPIs", served))
        for path in REST:
            load.on(stage, served, Call(path=path, token=token))
        rows.append(_row("after the review, the ledger and the holds, a round each", served))
    return Part("(g) Memory per worker", ["", "of its own (USS), MB", "with what is shared (RSS), MB"], rows)


def _row(when: str, served: Served) -> list[str]:
    told = [worker.memory_full_info() for worker in served.arbiter.children()]
    return [when, *(f"{statistics.mean(getattr(one, kind) for one in told) / 2**20:.0f}" for kind in ("uss", "rss"))]
