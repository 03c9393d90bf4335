"""Where a request comes from: the peer itself, or, behind a proxy that settings trust, whom that proxy names."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest


def client(request: HttpRequest) -> str:
    """Return the caller's network address.

    ``X-Forwarded-For`` is read from its end, and only as far as TRUSTED_PROXIES vouch for it: what stands before was
    written by the caller.
    """
    address = str(request.META.get("REMOTE_ADDR", ""))
    for hop in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        if not _is_trusted(address) or not is_address(hop.strip()):
            break
        address = hop.strip()
    return address


def is_address(text: str) -> bool:
    """Say whether ``text`` is an IP address."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(name: str) -> bool:
    """Say whether ``name`` is this machine by a name that nobody else can give: localhost, 127.0.0.0/8, ::1."""
    return name == "localhost" or (is_address(name) and ipaddress.ip_address(name).is_loopback)


def _is_trusted(address: str) -> bool:
    if not settings.TRUSTED_PROXIES or not is_address(address):
        return False
    return any(ipaddress.ip_address(address) in network for network in settings.TRUSTED_PROXIES)
