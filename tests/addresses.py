"""Every address of the site that a view of DRF answers, as a test asks for it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.contrib.admindocs.views import simplify_regex
from django.urls import URLPattern, URLResolver, get_resolver


class Address(NamedTuple):
    """A route (``/api/governance/changes/<pk>``), the view class behind it, its actions by method, what it is given."""

    route: str
    view: Any
    actions: dict[str, str]
    given: dict[str, Any]

    @property
    def has_id(self) -> bool:
        """Say whether the route names one row."""
        return "<pk>" in self.route

    @property
    def is_paginated(self) -> bool:
        """Say whether the address is a list that is given out in pages."""
        return self.actions.get("get") == "list" and getattr(self.view, "queryset", None) is not None

    def at(self, pk: object = 1) -> str:
        """Return the path, with ``pk`` in its place."""
        return self.route.replace("<pk>", str(pk))


def addresses() -> list[Address]:
    """Return every address, the API's and its documentation's."""
    return sorted(_below(get_resolver().url_patterns, ""), key=lambda address: address.route)


def _below(patterns: list[URLPattern | URLResolver], prefix: str) -> Iterator[Address]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _below(pattern.url_patterns, path)
        elif view := getattr(pattern.callback, "cls", None):
            actions, given = getattr(pattern.callback, "actions", {"get": "get"}), pattern.callback.initkwargs
            yield Address(simplify_regex(path).rstrip("/"), view, actions, given)
