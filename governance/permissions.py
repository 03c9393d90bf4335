"""Who may call: a right for each operation, and, in open mode, this machine's own callers alone."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request

from governance import roles
from governance.addresses import is_loopback

_FORWARDING = ("HTTP_FORWARDED", "HTTP_VIA", "HTTP_X_REAL_IP", "HTTP_X_FORWARDED_")


class HasRight(BasePermission):
    """The caller has the right that the view names: ``rights`` by action, else ``read`` for a safe method.

    An unsafe method whose right no one named is refused: a forgotten label closes, it does not open.
    """

    def has_permission(self, request: Request, view: Any) -> bool:
        """Say whether this caller may do this; a stranger is asked for a token."""
        method = request.method or ""
        known = bool(request.user and request.user.is_authenticated)
        if not known and not (settings.API_AUTH == "open" and is_local(request._request)):
            raise NotAuthenticated(_ASK_OPEN if settings.API_AUTH == "open" else _ASK)
        if not hasattr(view, method.lower()):
            return True  # the answer is 405, whoever asks
        right = right_of(view, method)
        self.message = f"Your role does not include the right to {roles.RIGHTS.get(right or '', 'do this')}."
        return right is not None and (not known or right in roles.rights_of(request.user))


_ASK = "Say who calls: send a token in the header 'Authorization: Bearer TOKEN' (manage.py issue_token makes one)."
_ASK_OPEN = "API_AUTH is open, which answers this machine's own callers alone: use it from there, or with a token."


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
    if any(header.startswith(_FORWARDING) for header in request.META):
        return False
    host = str(request.META.get("HTTP_HOST") or request.META.get("SERVER_NAME", "")).lower()
    if not is_loopback(request.META.get("REMOTE_ADDR", "")) or not is_loopback(_hostname(host)):
        return False
    if request.headers.get("Sec-Fetch-Site", "none") not in {"none", "same-origin"}:
        return False
    origin = request.headers.get("Origin")
    return origin is None or origin.lower() in {f"http://{host}", f"https://{host}"}


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
