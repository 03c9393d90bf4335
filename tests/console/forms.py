"""The forms of the console, as a person fills them in."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.messages import get_messages
from django.http import HttpResponse
from django.test import Client


def page(browser: Client, address: str) -> str:
    response = browser.get(address)
    assert response.status_code == 200, response.content
    return response.content.decode()


def seen(html: str) -> str:
    found = re.search(r'name="seen" value="([0-9a-f]*)"', html)
    assert found
    return found[1]


def fill(browser: Client, address: str, **fields: Any) -> HttpResponse:
    """Open the form, set some fields and leave the others as they are filled, and submit it."""
    response = browser.get(address)
    form = response.context["form"]
    data = {"seen": response.context["seen"], "reason": "tests"}
    for name in form.controls:
        value = form.fields[name].initial
        if isinstance(value, bool):
            data |= {name: "on"} if value else {}
        elif hasattr(form.fields[name], "fields"):
            data |= {f"{name}_none": "on"} if value is None else {f"{name}_figure": value}
        else:
            data[name] = value
    data |= fields
    return browser.post(address, {name: value for name, value in data.items() if value is not None})


def said(response: HttpResponse) -> str:
    return " ".join(str(message) for message in get_messages(response.wsgi_request))
