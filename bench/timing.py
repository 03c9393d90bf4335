"""How long a call takes in process, and how often it is made."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from bench.rounds import SECONDS, Figures


def timed(call: Callable[[], Any], times: int = 1) -> Figures:
    """Make ``call`` for one round; return its median time, and how many of its ``times`` things it does a second."""
    call()
    taken = []
    began = last = time.perf_counter()
    while last - began < SECONDS:
        call()
        last, before = time.perf_counter(), last
        taken.append(last - before)
    return {"milliseconds": 1e3 * statistics.median(taken), "rate": len(taken) * times / (last - began)}
