"""Callers: an API that wants tokens, and people and engines who have one."""

from __future__ import annotations

import pytest
from django.conf import LazySettings

from tests.riskguard.factories import go_live


@pytest.fixture
def closed(settings: LazySettings, db: None) -> None:
    """Want a token of every caller, and ask nobody for a second person."""
    settings.API_AUTH = "token"


@pytest.fixture
def four_eyes(settings: LazySettings, closed: None) -> None:
    """Want a token, and a second person for what loosens."""
    settings.FOUR_EYES = True


@pytest.fixture
def live(db: None) -> None:
    """Let production run."""
    go_live()
