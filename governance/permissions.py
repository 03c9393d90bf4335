"""Who may call: a right for each operation, and, in open mode, this machine's own callers alone."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from governance import roles

_FORWARDING = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_HOST", "HTTP_X_REAL_IP", "HTTP_FORWARDED")


class HasRight(BasePermission):
    """The caller has the right that the view names: ``rights`` by action, else ``read`` for a safe method.

    An unsafe method whose right no one named is refused: a forgotten label closes, it does not open.
    """

    message = "Your role does not include this: ask an administrator for the right that it needs."

    def has_permission(self, request: Request, view: Any) -> bool:
        """Say whether this caller may do this."""
        right = right_of(view, request.method or "")
        if request.user and request.user.is_authenticated:
            return right in roles.rights_of(request.user)
        return settings.API_AUTH == "open" and right is not None and is_local(request._request)


def right_of(view: Any, method: str) -> str | None:
    """Return the right that ``view`` asks for its action by ``method``; None where none is named."""
    named: dict[str, str] = getattr(view, "rights", {})
    right = named.get(getattr(view, "action", None) or method.lower())
    return right or (roles.READ if method in SAFE_METHODS else None)


def is_local(request: HttpRequest) -> bool:
    """Say whether a request comes from this machine itself: a loopback peer, a loopback Host, no forwarding header,
    and nothing that a browser sends from another site.

    A page of any site can make the operator's browser post to localhost, and can give its own name a loopback address
    (DNS rebinding); hence the Host, ``Sec-Fetch-Site`` and ``Origin``.
    """
    if any(header in request.META for header in _FORWARDING):
        return False
    if not _is_loopback(request.META.get("REMOTE_ADDR", "")):
        return False
    host = request.META.get("HTTP_HOST") or request.META.get("SERVER_NAME", "")
    if not _is_loopback(urlsplit(f"//{host}").hostname or ""):
        return False
    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        return False
    origin = request.headers.get("Origin")
    return origin is None or urlsplit(origin).netloc.lower() == host.lower()


def _is_loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
