"""The site with the addresses that the gate's tests need, seeded, with production running."""

from __future__ import annotations

import pytest
from django.conf import LazySettings

from golive import services
from tests.riskguard.factories import go_live


@pytest.fixture
def seeded(db: None, settings: LazySettings) -> None:
    """Let the gate's tests have their addresses; production is disabled."""
    settings.ROOT_URLCONF = "tests.valhalla.urls"


@pytest.fixture
def live(seeded: None) -> None:
    """Let production run."""
    go_live()


@pytest.fixture
def killed(live: None) -> None:
    """Engage the kill switch while production runs."""
    services.engage_kill_switch(actor="ops", reason="drill")
