"""Who calls: a bearer token, or the console's session."""

from __future__ import annotations

from typing import Any

from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from access.models import Token
from governance import clock, roles


class BearerAuthentication(TokenAuthentication):
    """``Authorization: Bearer TOKEN``; it stands first, so that a stranger gets 401 and not 403.

    Knox asks twice (the token, then the user's other tokens) and deletes what has expired on the way. This asks once
    for token, user and roles together, and a request that only looks writes nothing.
    """

    def authenticate_credentials(self, token: bytes) -> tuple[Any, Token]:
        """Return the user and the token; AuthenticationFailed says what is wrong with it."""
        try:
            rows = Token.objects.presented(token.decode("ascii"))
        except UnicodeDecodeError:
            rows = []
        if not rows:
            raise AuthenticationFailed("This token is not known: it was revoked, or never issued.")
        found = rows[0]
        if found.expiry is None or found.expiry <= clock.now():
            raise AuthenticationFailed("This token has expired: ask for a new one (manage.py issue_token).")
        if not found.user.is_active:
            raise AuthenticationFailed("The account of this token is not active.")
        roles.remember(found.user, {row.role for row in rows})
        return found.user, found
