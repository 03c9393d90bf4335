"""Who calls: a bearer token (knox: hashed, expiring, several a user), or the console's session."""

from __future__ import annotations

from knox.auth import TokenAuthentication


class BearerAuthentication(TokenAuthentication):
    """``Authorization: Bearer TOKEN``; it stands first, so that a stranger gets 401 and not 403."""
