"""SQLite under four workers: it is slower, and never "locked"."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest
from pytest_django import DjangoDbBlocker

from riskguard import verification
from tests.chaos.conftest import open_up
from tests.chaos.engines import Crowd, Line
from tests.deploy.postgresql import connected
from tests.server import Site, site

ENGINES, GRANTS = 8, 80

pytestmark = pytest.mark.sqlite


@pytest.fixture
def four_workers() -> Iterator[Site]:
    with site(WEB_CONCURRENCY="4") as running:
        with closing(Line(running.address)) as line:
            open_up(line)
        yield running


def test_no_caller_of_four_workers_is_told_that_the_database_is_locked(
    four_workers: Site, django_db_blocker: DjangoDbBlocker
) -> None:
    crowd = Crowd(four_workers.address, ENGINES)
    with crowd.at_work():
        crowd.work(GRANTS)
    assert crowd.failures() == []
    assert set().union(*(engine.refused for engine in crowd.engines)) <= {"would_exceed_policy"}
    with django_db_blocker.unblock(), connected(four_workers.environ["DATABASE_URL"]):
        assert list(verification.differences()) == []
