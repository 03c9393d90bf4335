"""The API's documentation, served from the project's own files: the schema, Swagger UI and ReDoc."""

from __future__ import annotations

from drf_spectacular.views import SpectacularJSONAPIView, SpectacularRedocView, SpectacularSwaggerSplitView


class SchemaView(SpectacularJSONAPIView):
    """The OpenAPI document."""

    permission_classes = ()
    authentication_classes = ()


class SwaggerView(SpectacularSwaggerSplitView):
    """Swagger UI without inline scripts."""

    url_name = "openapi"
    http_method_names = ["get", "head"]  # noqa: RUF012 -- the page is a template, which no OPTIONS fills
    permission_classes = ()
    authentication_classes = ()


class RedocView(SpectacularRedocView):
    """ReDoc, with a template of our own that asks no other host for a font or a logo."""

    url_name = "openapi"
    template_name = "redoc.html"
    http_method_names = ["get", "head"]  # noqa: RUF012
    permission_classes = ()
    authentication_classes = ()
