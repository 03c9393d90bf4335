"""What every test may ask for."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
from threading import Thread

import pytest
from django.db import connections
from django.test import TransactionTestCase, override_settings
from pytest_django import DjangoDbBlocker
from rest_framework.test import APIClient
from xdist.remote import Producer
from xdist.scheduler import LoadGroupScheduling

from tests import pristine
from tests.riskguard import racing
from tests.server import seeded_database, template
from valhalla.env import Environment


class FileScheduling(LoadGroupScheduling):
    """Hand whole files to a worker, which sets up what their tests share once, and whole groups."""

    def _split_scope(self, nodeid: str) -> str:
        scope = super()._split_scope(nodeid)
        return scope.partition("::")[0] if scope == nodeid else scope

    def schedule(self) -> None:
        """Begin with the groups, which take long: a worker that came to one last would keep the others waiting."""
        super().schedule()
        for scope in [scope for scope in self.workqueue if not scope.endswith(".py")]:
            self.workqueue.move_to_end(scope, last=False)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FileScheduling:
    return FileScheduling(config, log)


def pytest_collection() -> None:
    gc.disable()
    if "PYTEST_XDIST_WORKER" in os.environ:
        Thread(target=template).start()  # what a whole run needs is there by the time the tests are collected


def pytest_collection_finish() -> None:
    """Look for garbage seldom, and not among thousands of collected tests: that took a tenth of a run."""
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    gc.enable()


@pytest.fixture(scope="session", autouse=True)
def _quick_passwords() -> Iterator[None]:
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Give each worker a copy of one migrated database, and put back after each test that commits what it held.

    On SQLite it is a file, since one in memory is not shared by threads.
    """
    config = Environment({"DATABASE_URL": seeded_database()}).database("DATABASE_URL", default="")
    with django_db_blocker.unblock():
        connections["default"].close()
        connections["default"].settings_dict["NAME"] = config["NAME"]
        pristine.keep()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _case: pristine.put_back())
        yield
        racing.hang_up()


@pytest.fixture
def api() -> APIClient:
    """Return a client on this machine, as the open API admits it."""
    return APIClient(SERVER_NAME="localhost")
