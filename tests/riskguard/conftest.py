"""Production runs, and it is noon: no test of the risk guard depends on the hour at which it is run."""

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
