"""Production runs, and every lever lets the engine act."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from governance import clock
from tests.riskguard.factories import NOON
from tests.riskguard.racing import set_up


@pytest.fixture(autouse=True)
def _noon() -> Iterator[None]:
    with clock.at(NOON):
        yield


@pytest.fixture
def live(db: None, _noon: None) -> None:
    """Put back the seeds, which a test with real transactions has emptied the tables of, and let production run."""
    set_up()
