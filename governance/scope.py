"""For which engines a caller may act: a token is bound to the engines that it names, for every verb."""

from __future__ import annotations

from collections.abc import Iterable

from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request


def require_engines(request: Request, engines: Iterable[str]) -> None:
    """Refuse (403) a token that does not name every one of ``engines``.

    A person at the console, and the open API, present no token and are bound by none. A domain without a policy is
    asked for by its own name, which is the engine that a policy would name.
    """
    bound: list[str] | None = getattr(request.auth, "engines", None)
    if bound is None:
        return
    foreign = ", ".join(sorted(set(engines) - set(bound)))
    if foreign:
        named = ", ".join(bound) or "no engine"
        raise PermissionDenied(f"This token acts for {named}, and not for {foreign}: use a token that names it.")
