"""The site with the addresses that the gate's tests need, seeded, with production running."""

from __future__ import annotations

import pytest
from django.conf import LazySettings

from golive import services
from governance import seeds
from tests.riskguard.factories import go_live


@pytest.fixture
def seeded(db: None, settings: LazySettings) -> None:
    """Put back the seeds, which a test with real transactions has emptied the tables of: production is disabled."""
    settings.ROOT_URLCONF = "tests.valhalla.urls"
    seeds.restore(actor="seed")


@pytest.fixture
def live(seeded: None) -> None:
    """Let production run."""
    go_live()


@pytest.fixture
def killed(live: None) -> None:
    """Engage the kill switch while production runs."""
    services.engage_kill_switch(actor="ops", reason="drill")
