from __future__ import annotations

from ipaddress import ip_network

import pytest
from django.conf import LazySettings
from django.test import RequestFactory

from governance import addresses

pytestmark = pytest.mark.sqlite  # no database is asked


def seen(peer: str, forwarded: str | None) -> str:
    more = {} if forwarded is None else {"HTTP_X_FORWARDED_FOR": forwarded}
    return addresses.client(RequestFactory().get("/", REMOTE_ADDR=peer, **more))


@pytest.mark.parametrize("forwarded", [None, "198.51.100.4", "127.0.0.1", "a, b"])
def test_without_a_trusted_proxy_the_peer_is_the_caller_whatever_it_says(forwarded: str | None) -> None:
    assert seen("192.0.2.7", forwarded) == "192.0.2.7"


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("10.0.0.5", "198.51.100.4", "198.51.100.4"),
        ("10.0.0.5", "6.6.6.6, 198.51.100.4", "198.51.100.4"),
        ("10.0.0.5", "6.6.6.6, 198.51.100.4, 10.0.0.6", "198.51.100.4"),
        ("10.0.0.5", "2001:db8::1", "2001:db8::1"),
        ("10.0.0.5", "", "10.0.0.5"),
        ("10.0.0.5", None, "10.0.0.5"),
        ("10.0.0.5", "unknown", "10.0.0.5"),
        ("10.0.0.5", "198.51.100.4, unknown", "10.0.0.5"),
        ("10.0.0.5", "10.0.0.7", "10.0.0.7"),
        ("192.0.2.7", "198.51.100.4", "192.0.2.7"),
        ("", "198.51.100.4", ""),
    ],
)
def test_a_trusted_proxy_is_believed_and_what_stands_before_it_is_not(
    peer: str, forwarded: str | None, caller: str, settings: LazySettings
) -> None:
    settings.TRUSTED_PROXIES = [ip_network("10.0.0.0/24")]
    assert seen(peer, forwarded) == caller
