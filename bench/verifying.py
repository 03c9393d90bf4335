"""(i) Verifying the sealed trail, beside reading the same rows; on both databases, each in a process of its own."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial

from bench.report import Part, Target
from bench.rounds import Figures, Measured, interleaved
from bench.stage import ENVIRONMENT, Stage
from valhalla.env import BASE_DIR

ROWS = 50_000
READ, VERIFY = "read", "verify"


def measure(stage: Stage) -> Part:
    """Seal so many rows in each database, and compare the two."""
    stage.copy("verified")
    urls = {"PostgreSQL": stage.url("verified"), "SQLite": f"sqlite:///{stage.cluster.data.parent}/verified.sqlite3"}
    rows, targets = [], []
    for name, url in urls.items():
        environment = {**os.environ, **ENVIRONMENT, "DATABASE_URL": url}
        told = subprocess.run(
            [sys.executable, "-m", "bench.verifying"], cwd=BASE_DIR, env=environment, check=True,
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        measured = Measured(json.loads(told.stdout))
        ratio = measured.ratio(VERIFY, READ, "seconds")
        rows.append([name, *(f"{measured.median(case, 'seconds'):.2f}" for case in (READ, VERIFY)), f"{ratio:.2f}"])
        targets.append(Target(f"verifying {ROWS:,} rows to reading them, on {name}", ratio, 3, most=True))
    columns = [f"{ROWS:,} sealed rows in", "read, s", "`verify_audit`, s", "ratio"]
    return Part("(i) Verifying the trail", columns, rows, targets)


def main() -> None:
    """Measure the database that the environment names, and print the rounds."""
    import django  # noqa: PLC0415 -- the environment is set by now

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 -- Django is set up by now

    from governance.trail import sealing  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    sealing.seal_all()
    _fill()
    sealing.seal_all()
    measured = interleaved({READ: partial(_took, _read), VERIFY: partial(_took, _verify)})
    json.dump(measured.rounds, sys.stdout)


def _fill() -> None:
    """Append a quarter of the rows to each trail, as much in each as a decision and a change leave there."""
    from governance.models import AuditEvent  # noqa: PLC0415
    from heimdall.models import HeimdallEvent  # noqa: PLC0415
    from regression.models import KpiEvent  # noqa: PLC0415
    from riskguard.models import RiskEvent  # noqa: PLC0415

    at = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
    figures = {"exposure_used": 50_000, "exposure_left": 100_000, "holds": []}
    made = {
        AuditEvent: {"at": at, "actor": "jo", "action": "risk.policy.set", "target": "WHOLESALE", "outcome": "APPLIED",
                     "before": figures, "after": figures, "reason": "bench", "via": "api"},
        RiskEvent: {"at": at, "day": at.date(), "kind": "DENY", "engine": "WHOLESALE", "amount": 1_000,
                    "reason": "would_exceed_policy", "exposure_day": at.date(), "exposure_delta": 0,
                    "open_risk_delta": 0, "loss_delta": 0, "actions_delta": 0, "figures": figures, "actor": "bot"},
        HeimdallEvent: {"at": at, "day": at.date(), "kind": "DENY", "domain": "BUYER_MATCH", "confidence": 0.9,
                        "reason": "prod_use_disabled", "figures": figures, "actor": "bot"},
        KpiEvent: {"at": at, "domain": "WHOLESALE", "metric": "contract_rate", "success": True, "actor": "bot"},
    }  # fmt: skip
    for model, values in made.items():
        rows = (model(**values) for _ in range(ROWS // len(made)))
        model._default_manager.bulk_create(rows, batch_size=1_000)


def _took(call: Callable[[], int]) -> Figures:
    """Return how long it takes to go over every row once."""
    began = time.perf_counter()
    assert call() >= ROWS  # the seeds left some, too
    return {"seconds": time.perf_counter() - began}


def _read() -> int:
    """Read every sealed column of every row in order, documents as the text that the database keeps."""
    from governance.trail import places, sources  # noqa: PLC0415

    read = 0
    for trail in sources.every():
        rows = places.rows(trail, trail.columns[max(trail.columns)]).order_by("id")
        read += sum(1 for _row in rows.iterator(chunk_size=2_000))
    return read


def _verify() -> int:
    from governance.trail import verifying  # noqa: PLC0415

    checked = list(verifying.check())
    assert not any(seal.findings for seal in checked)
    return sum(seal.rows for seal in checked)


if __name__ == "__main__":
    main()
