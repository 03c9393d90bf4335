"""``kill -9`` of the site while engines act: one reservation a hold, one event a report."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

import anyio
import psutil
import pytest
from anyio.from_thread import BlockingPortal
from valhalla_governor import AsyncGovernor, Buffering, Governor, Patience

from tests.acceptance.asking import turn
from tests.clients.conftest import CERTIFICATES, rows, set_policy
from tests.cluster import until_dead
from tests.server import seeded_database, started

ENGINES, HOLDS = 2, 6  # of each kind of client, and of each engine
# A try is shorter than a restart: what was given up is still in the socket's queue, and done when the site is back.
PATIENT = Patience(attempt=1.0, total=90.0, first_pause=0.1, longest_pause=1.0)
SETTINGS = {"patience": PATIENT, "buffering": Buffering(batch=5, seconds=0.05, close_seconds=60.0)}
Done = Callable[[], None]
pytestmark = pytest.mark.postgresql  # what production runs on; tests/chaos kills both


class Mortal:
    """A site that is killed and started again on the same socket."""

    def __init__(self, listener: socket.socket) -> None:
        self.address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        self._listener = listener
        self._environ = {**os.environ, "DATABASE_URL": seeded_database(), "WEB_CONCURRENCY": "1"}
        self.start()

    def start(self) -> None:
        self._process = started(self._listener, self._environ)

    def kill(self) -> None:
        """Kill the arbiter before its workers, so that it starts no others."""
        workers = psutil.Process(self._process.pid).children()
        self._process.kill()
        self._process.wait(timeout=30)
        for worker in workers:
            worker.kill()
        until_dead(workers)


@contextmanager
def mortal() -> Iterator[Mortal]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        site = Mortal(listener)
        try:
            yield site
        finally:
            site.kill()


class Progress:
    """Counts the holds that have ended, so that the site is killed between them."""

    def __init__(self) -> None:
        self._state, self._ended = threading.Condition(), 0

    def ended(self) -> None:
        with self._state:
            self._ended += 1
            self._state.notify_all()

    def wait_for(self, many: int) -> None:
        with self._state:
            assert self._state.wait_for(lambda: self._ended >= many, timeout=90)


def blocking(address: str, actor: str, ended: Done) -> None:
    with Governor(address, actor=actor, verify=CERTIFICATES, **SETTINGS) as governor:
        for number in range(HOLDS):
            with governor.reserve("WHOLESALE", 100 + number) as hold:
                hold.settle(number)
            governor.record_kpi("WHOLESALE", "signed", success=True, correlation_id=f"{actor} {hold.id}")
            ended()


async def awaited(address: str, actors: list[str], ended: Done) -> None:
    async def act(actor: str) -> None:
        async with AsyncGovernor(address, actor=actor, verify=CERTIFICATES, **SETTINGS) as governor:
            for number in range(HOLDS):
                async with governor.reserve("WHOLESALE", 100 + number) as hold:
                    await hold.settle(number)
                governor.record_kpi("WHOLESALE", "signed", success=True, correlation_id=f"{actor} {hold.id}")
                ended()

    async with anyio.create_task_group() as group:
        for actor in actors:
            group.start_soon(act, actor)


def test_no_restart_doubles_or_loses_what_engines_do(portal: BlockingPortal) -> None:
    progress, actors = Progress(), [f"engine-{number}" for number in range(2 * ENGINES)]
    whole = len(actors) * HOLDS
    with mortal() as site, ThreadPoolExecutor(ENGINES) as pool:
        turn(site.address, "enable", override=True)
        set_policy(site.address, "GLOBAL")
        set_policy(site.address, "WHOLESALE")
        acting = [pool.submit(blocking, site.address, actor, progress.ended) for actor in actors[:ENGINES]]
        acting.append(portal.start_task_soon(partial(awaited, site.address, actors[ENGINES:], progress.ended)))
        progress.wait_for(whole // 2)
        site.kill()
        time.sleep(PATIENT.attempt)  # calls are given up, and wait in the socket's queue
        site.start()
        for act in acting:
            act.result(timeout=120)

        reserved = rows(site.address, "risk/reservations")
        told = Counter((row["actor"], row["amount"], row["realized_loss"], row["status"]) for row in reserved)
        assert told == Counter((actor, 100 + n, n, "SETTLED") for actor in actors for n in range(HOLDS))
        assert len({row["idempotency_key"] for row in reserved}) == whole
        events = Counter(row["correlation_id"] for row in rows(site.address, "regression/kpi"))
        assert events == Counter(f"{row['actor']} {row['id']}" for row in reserved)
