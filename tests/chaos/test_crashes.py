"""``kill -9`` of workers and of the database, again and again, under load: what was promised is kept, once.

``make chaos`` is the long form: CHAOS_ROUNDS=10 CHAOS_WORKER_KILLS=5 pytest --database=postgresql tests/chaos.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable

import psutil
import psycopg
import pytest
from pytest_django import DjangoDbBlocker

from riskguard import verification
from tests.chaos.engines import UNANSWERED, Crowd
from tests.cluster import Cluster
from tests.deploy.postgresql import connected
from tests.server import Site

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "2"))
WORKER_KILLS = int(os.environ.get("CHAOS_WORKER_KILLS", "1"))
ENGINES, BETWEEN_KILLS = 6, 8

pytestmark = [pytest.mark.postgresql, pytest.mark.xdist_group("chaos")]

OVER_A_CAP = """
SELECT count(*)
  FROM risk_event, unnest(ARRAY['GLOBAL', engine]) AS level
 WHERE kind = 'RESERVE'
   AND (figures -> level ->> 'open_risk_reserved')::bigint > (figures -> level ->> 'max_open_risk')::bigint
"""


def test_no_crash_loses_doubles_or_oversteps_a_reservation(
    cluster: Cluster, served: Site, tell: Callable[[str], None], django_db_blocker: DjangoDbBlocker
) -> None:
    crowd, outages, since = Crowd(served.address, ENGINES), [], _newest(cluster)
    with crowd.at_work():
        crowd.work(BETWEEN_KILLS)
        for number in range(ROUNDS):
            for _ in range(WORKER_KILLS):
                _kill_a_worker(served)
                crowd.work(BETWEEN_KILLS)
            outages.append(_crash(cluster, served, number))
            crowd.work(BETWEEN_KILLS)
            with crowd.standing_still(), django_db_blocker.unblock():
                _kept(cluster, crowd, since)
    with django_db_blocker.unblock():
        _kept(cluster, crowd, since)
    _only_while_it_was_down(crowd, outages)
    tell(_figures(crowd, outages))


def _newest(cluster: Cluster) -> int:
    with psycopg.connect(cluster.url) as connection:
        (newest,) = connection.execute("SELECT coalesce(max(id), 0) FROM risk_reservation").fetchone() or (0,)
    return int(newest)


def _kill_a_worker(served: Site) -> None:
    workers = psutil.Process(served.arbiter).children()
    assert workers, "gunicorn has no worker"
    # The oldest: each is killed in the middle of its work, and none of them while it starts.
    min(workers, key=psutil.Process.create_time).kill()


def _crash(cluster: Cluster, served: Site, number: int) -> tuple[float, float]:
    """Kill the whole server (and a worker, whose successor finds none), or one process of it; return when: from, to."""
    began = time.monotonic()
    if number % 2:
        cluster.kill_a_backend()
    else:
        cluster.kill()
        _kill_a_worker(served)
        cluster.start()
    return began, time.monotonic()


def _kept(cluster: Cluster, crowd: Crowd, since: int) -> None:
    """Hold what the engines were told against the database, and the ledger against itself."""
    with connected(cluster.url):
        assert list(verification.differences()) == []
    with psycopg.connect(cluster.url) as connection:
        found = connection.execute(
            "SELECT idempotency_key, id, amount, status, realized_loss FROM risk_reservation WHERE id > %s", [since]
        ).fetchall()
        over = connection.execute(OVER_A_CAP).fetchone()
    assert over == (0,)
    # Each acknowledged one is there as it was acknowledged, and beside them there is none: nothing is there twice.
    assert sorted(found) == sorted((key, *held) for key, held in crowd.held().items())


def _only_while_it_was_down(crowd: Crowd, outages: list[tuple[float, float]]) -> None:
    """No try that began once the database was back had an error: no connection answers one twice."""
    for failure in crowd.failures():
        if failure.status != UNANSWERED:
            assert failure.status == 503, failure
            assert any(failure.began <= ended and began <= failure.ended for began, ended in outages), failure


def _figures(crowd: Crowd, outages: list[tuple[float, float]]) -> str:
    states = Counter(held.status for held in crowd.held().values())
    failures = Counter(failure.status or "unanswered" for failure in crowd.failures())
    refused = Counter(reason for engine in crowd.engines for reason in engine.refused)
    down = [f"{ended - began:.1f}" for began, ended in outages]
    return (
        f"{ROUNDS * WORKER_KILLS} workers killed, and the database {ROUNDS} times (down for {', '.join(down)} s). "
        f"{states.total()} acknowledged reservations, each there once: {dict(states)}. Refused: {dict(refused)}. "
        f"Tries without a 200: {dict(failures)}, none of which began after the database was back."
    )
