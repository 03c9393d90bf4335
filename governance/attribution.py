"""Who is named in the trail: the authenticated user, or, in open mode, the actor that the body gives."""

from __future__ import annotations

from rest_framework.request import Request

from governance import origin

ANONYMOUS = "anonymous"


def actor_of(request: Request, named: str = "") -> str:
    """Return the actor of a write; with a token, another whom the body ``named`` is kept as ``on_behalf_of``."""
    if request.user and request.user.is_authenticated:
        user = str(request.user.get_username())
        origin.amend(on_behalf_of=named if named != user else "")
        return user
    return named or ANONYMOUS
