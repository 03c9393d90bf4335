"""Production runs: where a test wants it stopped, it stops it."""

from __future__ import annotations

import pytest

from tests.riskguard.racing import set_up


@pytest.fixture
def live(db: None) -> None:
    """Put back the seeds, which a test with real transactions has emptied the tables of, and let production run."""
    set_up()
