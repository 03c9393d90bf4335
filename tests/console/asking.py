"""What a page of the console is drawn from, asked for as a browser does, and not drawn: that takes most of its time."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user
from django.test import Client, RequestFactory
from django.urls import resolve


def asked(browser: Client, address: str, **query: Any) -> Any:
    """Return the view's response, which holds its context; PermissionDenied where the person may not look."""
    request = RequestFactory(SERVER_NAME="localhost").get(address, query)
    request.session = browser.session
    request.user = get_user(request)
    found = resolve(request.path)
    return found.func(request, *found.args, **found.kwargs)


def listed(browser: Client, address: str, **query: Any) -> list[Any]:
    """Return the rows that a list shows."""
    return list(asked(browser, address, **query).context_data["cl"].result_list)
