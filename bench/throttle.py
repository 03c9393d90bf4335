"""(k) What the limit of writes costs a write: one that takes its share of a lease, beside a whole reservation."""

from __future__ import annotations

from functools import partial
from typing import Any

from bench.report import Part, Target
from bench.rounds import Figures, interleaved
from bench.stage import ENGINE, Stage
from bench.timing import timed

TAKE, WRITE = "one write counted", "POST risk/check-and-reserve"
TIMES = 1_000


def measure(stage: Stage) -> Part:
    """Count writes of a token, and make some, in this process; a lease is 600 of 60,000 a minute."""
    from rest_framework.test import APIClient  # noqa: PLC0415 -- Django must be set up first

    from access.models import Token  # noqa: PLC0415

    client = APIClient(SERVER_NAME="localhost")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {stage.token}")
    token = Token.objects.get(token_key=stage.token[:15])
    measured = interleaved({TAKE: partial(_takes, token), WRITE: partial(_writes, client)})
    counted, whole = (measured.median(case, "microseconds") for case in (TAKE, WRITE))
    rows = [[TAKE, f"{counted:.2f}"], [WRITE, f"{whole:.0f}"]]
    share = measured.ratio(TAKE, WRITE, "microseconds")
    return Part(
        "(k) The limit of writes", ["in process", "microseconds"], rows,
        [Target("counting a write to the whole of it", share, 0.01, most=True)],
    )  # fmt: skip


def _takes(token: Any) -> Figures:
    """Take as many as a minute's lease queries are part of: the mean, which they move, and not the median."""
    from access import quota  # noqa: PLC0415 -- Django must be set up first

    def many() -> None:
        for _ in range(TIMES):
            assert quota.take(token)

    return {"microseconds": 1e6 / timed(many, TIMES)["rate"]}


def _writes(client: Any) -> Figures:
    body = {"engine": ENGINE, "amount": 1}

    def write() -> None:
        assert client.post("/api/governance/risk/check-and-reserve", body, format="json").status_code == 200

    return {"microseconds": 1e6 / timed(write)["rate"]}
