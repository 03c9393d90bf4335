"""The API's documentation, served from the project's own files: the schema, Swagger UI and ReDoc."""

from __future__ import annotations

import functools
import threading
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.templatetags.static import static
from django.urls import URLResolver, get_resolver, get_urlconf
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularRedocView, SpectacularSwaggerSplitView

_BUNDLE = "drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js"
_MAKING = threading.Lock()
_MADE: WeakKeyDictionary[URLResolver, Any] = WeakKeyDictionary()
_FOREIGN_LOGO = "https://cdn.redoc.ly/redoc/logo-mini.svg"


class MadeOnce(SchemaGenerator):
    """Makes the document once a process, in one thread: drf-spectacular loads its extensions as it goes, for all."""

    def get_schema(self, *args: Any, **kwargs: Any) -> Any:
        """Return the document."""
        addresses = get_resolver(get_urlconf())
        with _MAKING:
            if addresses not in _MADE:
                _MADE[addresses] = super().get_schema(*args, **kwargs)  # type: ignore[no-untyped-call]
            return _MADE[addresses]


class SchemaView(SpectacularJSONAPIView):
    """The OpenAPI document."""

    generator_class = MadeOnce
    permission_classes = ()
    authentication_classes = ()


class SwaggerView(SpectacularSwaggerSplitView):
    """Swagger UI, with a template of our own that has neither script nor style in it."""

    url_name = "openapi"
    template_name = "swagger.html"
    http_method_names = ["get", "head"]  # noqa: RUF012 -- the page is a template, which no OPTIONS fills
    permission_classes = ()
    authentication_classes = ()


class RedocView(SpectacularRedocView):
    """ReDoc, with a template of our own that asks no other host for a font."""

    url_name = "openapi"
    template_name = "redoc.html"
    http_method_names = ["get", "head"]  # noqa: RUF012
    permission_classes = ()
    authentication_classes = ()


@require_safe
@cache_control(public=True, max_age=3600)
def redoc_script(request: HttpRequest) -> HttpResponse:
    """Return ReDoc's script, which would ask its maker's CDN for a logo, with this site's picture in its place."""
    return HttpResponse(_redoc(), content_type="text/javascript; charset=utf-8")


@functools.cache
def _redoc() -> str:
    found = finders.find(_BUNDLE)
    return Path(str(found)).read_text(encoding="utf-8").replace(_FOREIGN_LOGO, static("valhalla/favicon.svg"))
