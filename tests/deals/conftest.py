"""Production runs, and every lever lets the engine act."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from governance import clock
from tests.riskguard.factories import NOON, go_live


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.at(NOON):
        yield


@pytest.fixture
def live(db: None, _noon: None) -> None:
    """Let production run."""
    go_live()
