"""A site with a database of its own: both are there to be killed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.engines import Line
from tests.cluster import Cluster
from tests.server import Site, seeded_database, site


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """Return a PostgreSQL that keeps what it has committed, whatever happens to it."""
    folder = Path(os.environ["VALHALLA_TEST_FOLDER"]) / f"chaos-{os.getpid()}"
    server = Cluster(folder)
    server.load(seeded_database())
    yield server
    server.stop()


@pytest.fixture(scope="session")
def served(cluster: Cluster) -> Iterator[Site]:
    """Serve a site on it, with production running and caps that are reached now and then."""
    with site(DATABASE_URL=cluster.url) as running:
        with closing(Line(running.address)) as line:
            open_up(line)
        yield running


@pytest.fixture
def tell(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[str], None]]:
    """Return what takes a test's figures down; the long form shows them among its dots."""
    told: list[str] = []
    yield told.append
    if "CHAOS_ROUNDS" in os.environ:
        with capfd.disabled():
            print("", *told, sep="\n")  # noqa: T201 -- what make chaos is run for


def open_up(line: Line) -> None:
    """Let production run, with no cap but on open risk."""
    caps = {"max_daily_loss": None, "max_daily_exposure": None, "max_open_risk": None, "enabled": True}
    for path, body in (
        ("go-live/enable", {"override": True}),
        ("risk/policies/upsert", {"engine": "GLOBAL", **caps, "max_open_risk": 1_000}),
        ("risk/policies/upsert", {"engine": "WHOLESALE", **caps, "max_open_risk": 600}),
        ("risk/policies/upsert", {"engine": "CAPITAL", **caps}),
    ):
        status, answer = line.post(path, {**body, "actor": "ops", "reason": "chaos"})
        assert status == 200, answer
