"""(a) Reserve in process, by as many threads as pgbench has clients that call the bare function."""

from __future__ import annotations

import subprocess
import threading
import time
from functools import partial
from pathlib import Path

from bench.report import Part, Target
from bench.rounds import SECONDS, Case, Figures, interleaved
from bench.stage import ACCOUNT, ENGINE, Stage

CLIENTS = (1, 16, 64)
# The columns that the product reads, and no key: the counter that pgbench lacks would be a second statement.
CALL = """
SELECT r.*, (held).*, (own).*
  FROM risk_reserve_v1(ARRAY['WHOLESALE'], ARRAY[1::bigint], ARRAY['bench'], ARRAY[NULL], ARRAY[repeat('0', 64)],
                       ARRAY[''], ARRAY[NULL::bigint], 'USD', interval '1 day', true, NULL) AS r;
"""


def measure(stage: Stage) -> Part:
    """Compare them, each with its own connections."""
    script = stage.cluster.data.parent / "reserve.sql"
    script.write_text(CALL)
    cases: dict[str, Case] = {}
    for clients in CLIENTS:
        cases[f"pgbench, {clients}"] = partial(_by_pgbench, stage, script, clients)
        cases[f"services.reserve, {clients}"] = partial(_by_threads, clients)
    measured = interleaved(cases)
    rows = [
        [
            str(clients),
            *(f"{measured.median(f'{who}, {clients}', 'rate'):.0f}" for who in ("pgbench", "services.reserve")),
            f"{measured.ratio(f'services.reserve, {clients}', f'pgbench, {clients}', 'rate'):.2f}",
        ]
        for clients in CLIENTS
    ]
    ratio = measured.ratio("services.reserve, 16", "pgbench, 16", "rate")
    return Part(
        "(a) Reserve in process",
        ["clients on one engine", "pgbench with the bare function, a second", "`services.reserve`, a second", "ratio"],
        rows,
        [Target("in-process reserve to bare pgbench, 16 clients", ratio, 0.7)],
    )


def _by_pgbench(stage: Stage, script: Path, clients: int) -> Figures:
    told = subprocess.run(
        [stage.cluster.programs / "pgbench", "-n", "-c", str(clients), "-j", "1", "-T", str(SECONDS), "-f", script,
         "-h", stage.cluster.data, "-U", "postgres", "postgres"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    (rate,) = (line for line in told.splitlines() if line.startswith("tps"))
    return {"rate": float(rate.split()[2])}


def _by_threads(clients: int) -> Figures:
    from django.db import connection  # noqa: PLC0415

    from riskguard.services import reserve  # noqa: PLC0415 -- Django must be set up first

    start, counts = threading.Barrier(clients + 1), [0] * clients
    over = threading.Event()

    def engine(number: int) -> None:
        reserve(engine=ENGINE, amount=1, actor=ACCOUNT)
        start.wait()
        while not over.is_set():
            assert reserve(engine=ENGINE, amount=1, actor=ACCOUNT).ok
            counts[number] += 1
        connection.close()

    threads = [threading.Thread(target=engine, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    over.wait(SECONDS)
    done, took = sum(counts), time.perf_counter() - began
    over.set()
    for thread in threads:
        thread.join()
    return {"rate": done / took}
