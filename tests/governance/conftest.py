"""The toy lever, and four eyes where a test asks for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from tests.governance.toys import Dial, toy_lever


@pytest.fixture
def dial() -> Iterator[Dial]:
    """Announce the toy lever and return its dial."""
    with toy_lever() as dial:
        yield dial


@pytest.fixture
def _four_eyes(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
