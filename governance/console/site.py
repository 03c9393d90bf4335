"""The admin's site as the console: its own pages beside the models' screens."""

from __future__ import annotations

from django.urls import URLPattern, path
from unfold.sites import UnfoldAdminSite

from governance.console.acting import ActPage, PreviewPart
from governance.console.pages import Page


class ConsoleSite(UnfoldAdminSite):
    """Unfold's site with the console's pages."""

    def extra_urls(self) -> list[URLPattern]:
        """Return the addresses of the console's own pages (a hook of unfold's)."""
        return [
            self.page("act/<str:action>/", ActPage, "act"),
            self.page("act/<str:action>/<path:target>/", ActPage, "act"),
            self.page("preview/<str:action>/", PreviewPart, "act_preview"),
            self.page("preview/<str:action>/<path:target>/", PreviewPart, "act_preview"),
        ]

    def page(self, address: str, page: type[Page], name: str) -> URLPattern:
        """Return the route of a page, behind the sign-in."""
        route: URLPattern = path(address, self.admin_view(page.as_view(site=self)), name=name)
        return route
