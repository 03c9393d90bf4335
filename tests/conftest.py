"""What every test may ask for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection, connections
from rest_framework.test import APIClient

from tests.append_only import lifted
from tests.databases import vendor


@pytest.fixture(scope="session")
def django_db_modify_db_settings(request: pytest.FixtureRequest) -> None:
    """Give each worker its own test database; on SQLite a file, since one in memory is not shared by threads."""
    test = connections["default"].settings_dict["TEST"]
    if vendor() == "sqlite":
        test["NAME"] = str(Path(os.environ["VALHALLA_TEST_FOLDER"]) / "test.sqlite3")
    request.getfixturevalue("django_db_modify_db_settings_parallel_suffix")


@pytest.fixture(autouse=True)
def _quick_passwords(settings: LazySettings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True, scope="session")
def _tables_can_be_emptied() -> Iterator[None]:
    """Let the test runner empty tables whose rows nothing else may delete."""
    # On the class, since a test beside an event loop (a browser's) has another connection object than this one.
    operations: Any = type(connection.ops)
    flush = operations.execute_sql_flush

    def flushed(self: Any, statements: list[str]) -> None:
        with lifted():
            flush(self, statements)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(operations, "execute_sql_flush", flushed)
        yield


@pytest.fixture
def api() -> APIClient:
    """Return a client on this machine, as the open API admits it."""
    return APIClient(SERVER_NAME="localhost")
