from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from django.conf import LazySettings

from notices import webhooks
from notices.parcels import Parcel, Undelivered
from tests.notices.factories import Sent
from tests.notices.receiving import Receiver, receiving


@pytest.fixture
def receiver(settings: LazySettings) -> Iterator[Receiver]:
    """Receive webhooks on this machine, which is allowed."""
    settings.NOTICE_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with receiving() as made:
        yield made


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Return what was sent by webhook; an address with "fails" in it takes nothing, and one with "gone" for ever."""
    taken: Sent = []

    def post(parcel: Parcel) -> None:
        taken.append(parcel)
        if "fails" in parcel.address or "gone" in parcel.address:
            raise Undelivered("It answered 500.", final="gone" in parcel.address)
        if "breaks" in parcel.address:
            raise ValueError("no paper")

    monkeypatch.setattr(webhooks, "post", post)
    return taken
