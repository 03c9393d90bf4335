"""The whole product, asked from outside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import vendor
from tests.server import launched, serving, started


@pytest.fixture(scope="session")
def live_server_process() -> Iterator[str]:
    """Serve a site in the trial profile; return its address, such as http://127.0.0.1:54321.

    On production's database it is started as in production; tests/valhalla/test_serve.py does that on SQLite.
    Those who share it leave it as it comes to them, and are one group, so that one worker makes it.
    """
    with serving(started if vendor() == "sqlite" else launched) as address:
        yield address
