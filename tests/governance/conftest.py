"""The toy lever, four eyes where a test asks for them, and a sealed trail."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.conf import LazySettings

from governance import audit
from governance.models import Seal
from governance.trail import sealing
from tests.governance.toys import Dial, toy_lever
from tests.governance.trails import seal_everything
from tests.heimdall.factories import EventFactory as HeimdallEventFactory
from tests.regression.factories import EventFactory as KpiEventFactory
from tests.riskguard.factories import EventFactory


@pytest.fixture
def dial() -> Iterator[Dial]:
    """Announce the toy lever and return its dial."""
    with toy_lever() as dial:
        yield dial


@pytest.fixture
def _four_eyes(settings: LazySettings) -> None:
    settings.FOUR_EYES = True


@pytest.fixture
def sealed(db: None, monkeypatch: pytest.MonkeyPatch) -> list[Seal]:
    """Return the seals over ten rows of each source, with a few under each seal."""
    monkeypatch.setattr(sealing, "BATCH", 7)
    sealing.seal_some()
    for number in range(10):
        audit.record(action="x", target=str(number), actor="jo", before={"b": 1, "a": [1.5, None]})
        EventFactory(kind="DENY", amount=number + 1)
        HeimdallEventFactory(confidence=0.25, figures={"holds": []})
        KpiEventFactory(success=number % 2 == 0)
    seal_everything()
    return list(Seal.objects.order_by("number"))
