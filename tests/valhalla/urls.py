"""The site's addresses and some that the gate's tests need: views with labels, and one below a rule of the settings."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views import View

from valhalla.urls import handler400, handler403, handler404, handler500, urlpatterns

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]


def plain(request: HttpRequest, **_where: Any) -> HttpResponse:
    return HttpResponse(f"{request.method} passed")


def fails(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a secret of the inside")


class Observing(View):
    exec_class = "OBSERVE_ONLY"

    def get(self, request: HttpRequest) -> HttpResponse:
        return plain(request)

    post = delete = get


class Acting(Observing):
    exec_class = "PROD_EXEC"
    exec_engine = "CAPITAL"


class Misspelt(Observing):
    exec_class = "PROD"


urlpatterns = [
    *urlpatterns,
    path("api/unlabelled", plain),
    path("api/fails", fails),
    path("api/deals/report", Observing.as_view()),
    path("api/sandbox/real", Acting.as_view()),
    path("api/misspelt", Misspelt.as_view()),
    path("api/capital/<path:rest>", plain),
    path("api/buyers/<path:rest>", plain),
    path("api/sandbox/<path:rest>", plain),
]
