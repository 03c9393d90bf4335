"""Routes without a trailing slash, which a trailing slash reaches too (a POST as well, so no redirect)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.urls import URLPattern, re_path
from rest_framework.routers import SimpleRouter


class Router(SimpleRouter):
    """DRF's router with an optional trailing slash."""

    def __init__(self) -> None:
        """Make the slash optional."""
        super().__init__(trailing_slash=False)
        self.trailing_slash = "/?"


def route(address: str, view: Callable[..., Any], name: str) -> URLPattern:
    """Return the route of one fixed ``address``, with an optional trailing slash."""
    return re_path(rf"^{address}/?$", view, name=name)


def without_trailing_slash(endpoints: list[tuple[str, str, str, Any]]) -> list[tuple[str, str, str, Any]]:
    """Document each address without its optional slash (a drf-spectacular preprocessing hook)."""
    return [(path.rstrip("/") or "/", regex, method, view) for path, regex, method, view in endpoints]
