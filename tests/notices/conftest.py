from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_network

import pytest
from django.conf import LazySettings

from tests.notices.receiving import Receiver, receiving


@pytest.fixture
def receiver(settings: LazySettings) -> Iterator[Receiver]:
    """Receive webhooks on this machine, which is allowed."""
    settings.NOTICE_ALLOWED_NETWORKS = [ip_network("127.0.0.0/8")]
    with receiving() as made:
        yield made
