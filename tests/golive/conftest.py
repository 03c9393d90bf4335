"""A new site: production is disabled and the kill switch released."""

from __future__ import annotations

import pytest
from django.conf import LazySettings

from golive import services


@pytest.fixture
def live(db: None) -> None:
    """Enable production; the checklist passes as it stands."""
    services.enable(actor="ops", reason="go")


@pytest.fixture
def four_eyes(settings: LazySettings, live: None) -> None:
    """Want a second person for what loosens, from now on."""
    settings.FOUR_EYES = True
