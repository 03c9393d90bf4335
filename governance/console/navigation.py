"""What stands in the sidebar: the console's own pages, then each lever's screens, as far as a person may see them."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.text import capfirst

from governance import clock, register
from governance.models import ChangeRequest

INBOX = "admin:governance_changerequest_changelist"
_address = functools.cache(reverse)  # of patterns that stay while the process runs, for every link of every page


def groups(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of links, of which that to the page itself is ``active``."""
    pages = [
        {"title": page.title, "icon": page.icon, "link": _address(f"admin:{page.name}")}
        for lever in register.levers()
        for page in lever.pages
        if page.title
    ]
    home = _address("admin:index")
    top: list[dict[str, Any]] = [
        {"title": "Control plane", "icon": "monitor_heart", "link": home, "active": request.path == home},
        {"title": "Inbox", "icon": "inbox", "link": f"{_address(INBOX)}?status__exact=PENDING", "badge": waiting()},
        {"title": "Review", "icon": "fact_check", "link": _address("admin:review")},
        *pages,
    ]
    levers = [(lever.title, lever.name) for lever in register.levers()]
    others = [(apps.get_app_config(name).verbose_name, name) for name in _others({name for _title, name in levers})]
    found: list[tuple[str, list[dict[str, Any]]]] = [
        ("", top),
        *((str(title), list(_screens(request, app))) for title, app in [*levers, *others]),
    ]
    return [
        {"title": title, "items": [_whole(item, request.path) for item in items]} for title, items in found if items
    ]


def _whole(item: dict[str, Any], path: str) -> dict[str, Any]:
    """Return a link with all that a template looks for: what is not there costs many times what is empty."""
    return {"icon": "", "badge": 0, "active": path.startswith(item["link"].partition("?")[0]), **item}


def waiting() -> int:
    """Return how many changes wait for a second person."""
    pending = ChangeRequest.objects.filter(status=ChangeRequest.Status.PENDING, expires_at__gt=clock.now())
    return pending.count()


def _screens(request: HttpRequest, app: str) -> Iterator[dict[str, Any]]:
    for model, screen in admin.site._registry.items():
        if model._meta.app_label == app and screen.has_view_permission(request):
            link = _address(f"admin:{app}_{model._meta.model_name}_changelist")
            yield {"title": capfirst(str(model._meta.verbose_name_plural)), "link": link}


def _others(known: set[str]) -> list[str]:
    labels = dict.fromkeys(model._meta.app_label for model in admin.site._registry)
    return [label for label in labels if label not in known]
