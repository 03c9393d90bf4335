"""The whole product, asked from outside."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.server import serving


@pytest.fixture
def live_server_process() -> Iterator[str]:
    """Serve a new site in the trial profile; return its address, such as http://127.0.0.1:54321."""
    with serving() as address:
        yield address
