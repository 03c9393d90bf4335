"""The admin's site as the console: its own pages beside the models' screens, and what stands at every page's head."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.module_loading import import_string
from unfold.sites import UnfoldAdminSite

from governance import readiness, register, roles
from governance.console import navigation
from governance.console.acting import ActPage, PreviewPart
from governance.console.control_plane import ControlPlanePage, ControlPlanePart
from governance.console.deciding import DecidePage
from governance.console.history import HistoryPage
from governance.console.offers import may
from governance.console.pages import Page
from governance.console.reviewing import ReviewPage
from governance.models import ChangeRequest
from governance.register import Check


def _shouted(change: ChangeRequest) -> str:
    said = 'The glass was broken: {} by {}. <a class="vh-link" href="{}">Look at it.</a>'
    return format_html(said, change, change.decided_by, reverse("admin:change", args=[change.pk]))


class ConsoleSite(UnfoldAdminSite):
    """Unfold's site with the console's pages."""

    def extra_urls(self) -> list[URLPattern]:
        """Return the addresses of the console's own pages and of the levers' (a hook of unfold's)."""
        return [
            # First: a lever's own page of an action takes the place of the form that every action has.
            *(
                self._route(page.address, import_string(page.view), page.name)
                for lever in register.levers()
                for page in lever.pages
            ),
            self._route("act/<str:action>/", ActPage, "act"),
            self._route("act/<str:action>/<path:target>/", ActPage, "act"),
            self._part("preview/<str:action>/", PreviewPart, "act_preview"),
            self._part("preview/<str:action>/<path:target>/", PreviewPart, "act_preview"),
            self._route("history/<str:action>/", HistoryPage, "history"),
            self._route("history/<str:action>/<path:target>/", HistoryPage, "history"),
            self._route("changes/<int:pk>/", DecidePage, "change"),
            self._route("review/", ReviewPage, "review"),
            self._part("control-plane/", ControlPlanePart, "control_plane_part"),
        ]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
        """Show the control plane."""
        if not may(request, roles.READ):
            return render(request, "console/no_role.html", {**self.each_context(request), "title": "No role yet"})
        return ControlPlanePage.as_view(site=self)(request)

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return what the page of one app lists; of all apps nothing, since the sidebar has a list of its own."""
        return super().get_app_list(request, app_label) if app_label else []

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Return the groups of links that stand in the sidebar."""
        return navigation.groups(request)

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what every page shows around itself: how this process is set, and where the levers stand."""
        context: dict[str, Any] = super().each_context(request)
        reads = self.has_permission(request) and may(request, roles.READ)
        head = [lever.status() for lever in register.levers() if lever.status] if reads else []
        posture = [check for check in readiness.posture() if not check.ok]
        posture += [
            Check("glass", ok=False, detail=_shouted(change))
            for change in (ChangeRequest.objects.broken() if reads else ())
        ]
        # Unfold writes the colours into each page, which a strict content policy refuses: they stand in console.css.
        return {**context, "heads": head, "posture": posture, "colors": None}

    def _route(self, address: str, page: type[Page], name: str) -> URLPattern:
        route: URLPattern = path(address, self.admin_view(page.as_view(site=self)), name=name)
        return route

    def _part(self, address: str, page: type[Page], name: str) -> URLPattern:
        """Return the route of a part of a page: whoever is signed out by now gets the page anew, not a login in it."""
        view = self._route(address, page, name)

        def part(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
            if not self.has_permission(request):
                return HttpResponse(status=401, headers={"HX-Refresh": "true"})
            answer: HttpResponseBase = view.callback(request, **kwargs)
            return answer

        return path(address, part, name=name)
