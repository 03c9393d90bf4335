"""The base of the console's own pages, and the one way to add one: subclass ``Page``, and announce its address."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views import View

from governance import roles
from governance.console.offers import may
from governance.database import is_lock_timeout
from governance.errors import Unavailable

BUSY = "The database was busy and nothing was changed: try again."


class Page(View):
    """A page of the console: a person signed in with ``right`` sees ``template_name`` with what ``told`` returns."""

    site: ClassVar[Any] = None
    title = ""
    subtitle = ""
    template_name = ""
    right = roles.READ

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Handle a request of a person who has the right; what cannot be decided is told, and never a 500."""
        if not may(request, self.prepare(request, **kwargs)):
            raise PermissionDenied
        try:
            return super().dispatch(request, *args, **kwargs)
        except Unavailable as wrong:
            return _unavailable(request, str(wrong))
        except DatabaseError as wrong:
            if not is_lock_timeout(wrong):
                raise
            return _unavailable(request, BUSY)

    def prepare(self, request: HttpRequest, **_kwargs: Any) -> str:
        """Read the address, and return the right that the page needs."""
        return self.right

    def get(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Show the page."""
        return render(request, self.template_name, {**self.context(request), **self.told(request, **kwargs)})

    def told(self, request: HttpRequest, **_kwargs: Any) -> dict[str, Any]:
        """Return what the template shows."""
        return {}

    def context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what every page of the admin's site shows around it."""
        request.current_app = self.site.name
        return {**self.site.each_context(request), "title": self.title, "subtitle": self.subtitle}


def _unavailable(request: HttpRequest, detail: str) -> HttpResponse:
    return render(request, "problem.html", {"status": 503, "detail": detail}, status=503)
