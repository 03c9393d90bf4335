"""The first page of the console: where production stands, what holds, what tripped, and what is close to its cap."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from governance import clock, register
from governance.console.pages import Page
from governance.models import ChangeRequest

WAITING_SHOWN = 20


class ControlPlanePage(Page):
    """The page; its part refreshes itself."""

    title = "Control plane"
    template_name = "console/control_plane.html"

    def told(self, request: HttpRequest, **_kwargs: Any) -> dict[str, Any]:
        """Return what every lever shows. The queries are as many whatever the history holds."""
        return standing()


class ControlPlanePart(Page):
    """What stands on the page, for it to refresh itself."""

    template_name = "console/standing.html"

    def get(self, request: HttpRequest, **_kwargs: Any) -> HttpResponse:
        """Show the part alone."""
        return render(request, self.template_name, standing())


def standing() -> dict[str, Any]:
    """Return the status of each lever that has one, broken glass, the changes that wait, and each lever's panel."""
    levers = register.levers()
    panels = [(lever.name, lever.title, lever.panel()) for lever in levers if lever.panel]
    panels.sort(key=lambda named: not named[2].is_urgent)
    waiting = ChangeRequest.objects.filter(status=ChangeRequest.Status.PENDING, expires_at__gt=clock.now())
    return {
        "as_of": clock.now(),
        "statuses": [lever.status() for lever in levers if lever.status],
        "broken": list(ChangeRequest.objects.broken().order_by("pk")[:WAITING_SHOWN]),
        "waiting": list(waiting.order_by("pk")[:WAITING_SHOWN]),
        "panels": panels,
        "alarms": [(name, alarm) for name, _title, panel in panels for alarm in panel.alarms],
        "back": reverse("admin:index"),
    }
