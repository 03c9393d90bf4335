"""The gate of a site that runs in several processes."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from tests.acceptance.asking import ask, turn
from tests.databases import vendor
from tests.server import site

CALLERS, BEFORE, AFTER = 8, 32, 10
STOPS = {"kill-switch/engage": "KILL_SWITCH_ENGAGED", "disable": "GO_LIVE_DISABLED"}


@pytest.mark.xdist_group("live")
def test_no_request_that_starts_after_a_stop_has_answered_is_admitted_by_any_worker(live_server_process: str) -> None:
    for stop, code in STOPS.items():
        turn(live_server_process, "enable", override=True)
        turn(live_server_process, "kill-switch/release")
        every, answered = _load(live_server_process, stop)
        assert sum(status == 200 for _started, status, _code in every) >= BEFORE
        later = [(status, told) for started, status, told in every if started > answered]
        assert len(later) >= CALLERS * (AFTER - 1)
        assert set(later) == {(403, code)}


def _load(address: str, stop: str) -> tuple[list[tuple[float, int, str]], float]:
    """Turn ``stop`` while callers ask; return each request's start, status and code, and when the stop answered."""
    asked, stopped = threading.Semaphore(0), threading.Event()

    def call() -> list[tuple[float, int, str]]:
        seen, left = [], AFTER
        while left:
            left -= stopped.is_set()
            started = time.monotonic()
            status, told = ask(address, "/api/deals")
            seen.append((started, status, told.get("code", "")))
            asked.release()
        return seen

    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [pool.submit(call) for _ in range(CALLERS)]
        for _ in range(BEFORE):
            asked.acquire(timeout=30)
        turn(address, stop)
        answered = time.monotonic()
        stopped.set()
        return [request for caller in callers for request in caller.result()], answered


def take_away(url: str) -> None:
    if vendor() == "sqlite":
        for path in Path(url.removeprefix("sqlite:///")).parent.glob(f"{Path(url).name}*"):
            path.unlink()
        return
    name = url.partition("?")[0].rpartition("/")[2]
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(psycopg.sql.SQL("DROP DATABASE {} WITH (FORCE)").format(psycopg.sql.Identifier(name)))


def test_without_a_database_nothing_but_the_exempt_paths_is_answered() -> None:
    with site() as served:
        _lose(served.address, served.environ["DATABASE_URL"])


def _lose(address: str, url: str) -> None:
    turn(address, "enable")
    assert ask(address, "/api/deals")[0] == 200
    take_away(url)
    order = {"engine": "WHOLESALE", "amount": 1}
    with ThreadPoolExecutor(CALLERS) as pool:  # each waits until it is sure that the database is gone
        gated = [pool.submit(ask, address, path) for path in ("/api/deals", "/nothing/here", "/")]
        ready = pool.submit(ask, address, "/health/ready")
        reserved = pool.submit(ask, address, "/api/governance/risk/check-and-reserve", order)
        alive = pool.submit(ask, address, "/health")
    assert {(status, told["code"]) for status, told in (asked.result() for asked in gated)} == {
        (503, "GOVERNANCE_UNAVAILABLE")
    }
    assert (ready.result()[0], ready.result()[1]["ok"]) == (503, False)
    assert reserved.result()[0] == 503
    assert alive.result() == (200, {"ok": True})
