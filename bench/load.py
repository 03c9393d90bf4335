"""The load: wrk, which takes little of the two processors that it shares with what it measures."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from bench.rounds import SECONDS, Figures
from bench.stage import Served, Stage

CONNECTIONS = 16
SCRIPT = Path(__file__).with_name("post.lua")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request that is sent again and again; ``keyed`` gives each an idempotency key of its own."""

    path: str
    body: dict[str, Any] | None = None
    token: str = ""
    keyed: bool = False


def on(stage: Stage, served: Served, call: Call) -> Figures:
    """Send ``call`` for one round; return answers a second, and each answer's processor time in milliseconds."""
    workers, database = served.cpu_seconds(), stage.cpu_seconds()
    counted, microseconds = _sent(served, call)
    taken = served.cpu_seconds() - workers, stage.cpu_seconds() - database
    return {
        "rate": counted / microseconds * 1e6,
        "worker CPU": 1e3 * taken[0] / counted,
        "database CPU": 1e3 * taken[1] / counted,
    }


def _sent(served: Served, call: Call) -> tuple[int, int]:
    if shutil.which("wrk") is None:
        sys.exit("wrk makes the load: install it first (apt-get install wrk).")
    method, body = ("GET", "") if call.body is None else ("POST", json.dumps(call.body))
    told = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "-s", SCRIPT, served.address + call.path,
         "--", method, body, call.token, uuid.uuid4().hex if call.keyed else ""],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout  # fmt: skip
    found = re.search(r"^COUNTED (\d+) (\d+) (\d+)$", told, re.MULTILINE)
    assert found is not None, told
    counted, microseconds, failed = map(int, found.groups())
    assert failed == 0, told
    return counted, microseconds
