"""Every address: the control plane, the reference engine, the documentation, the console."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from governance.routing import route
from valhalla import documentation, views

urlpatterns = [
    route("api/governance", views.IndexView.as_view(), "governance-index"),
    route("api/system/status", views.StatusView.as_view(), "system-status"),
    route("health", views.HealthView.as_view(), "health"),
    route("health/ready", views.ReadyView.as_view(), "health-ready"),
    path("api/governance/", include("golive.urls")),
    path("api/governance/", include("riskguard.urls")),
    path("api/governance/", include("heimdall.urls")),
    path("api/governance/", include("regression.urls")),
    path("api/governance/", include("governance.urls")),
    path("api/", include("examples.deals.urls")),
    route("openapi.json", documentation.SchemaView.as_view(), "openapi"),
    route("docs", documentation.SwaggerView.as_view(), "docs"),
    route("redoc", documentation.RedocView.as_view(), "redoc"),
    path("redoc/script.js", documentation.redoc_script, name="redoc-script"),
    path("admin/", admin.site.urls),
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
]

handler400 = views.bad_request
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.server_error
