"""Production runs: where a test wants it stopped, it stops it."""

from __future__ import annotations

import pytest

from tests.riskguard.factories import go_live


@pytest.fixture
def live(db: None) -> None:
    """Let production run."""
    go_live()
