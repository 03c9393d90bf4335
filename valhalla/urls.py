"""Every address: the control plane, the reference engine, the documentation, the console."""

from django.apps import apps
from django.contrib import admin
from django.urls import include, path
from django.utils.module_loading import module_has_submodule
from django.views.generic import RedirectView

from governance import register
from governance.routing import route
from valhalla import documentation, metrics, views

LEVERS = [apps.get_app_config(lever.name) for lever in register.levers()]

urlpatterns = [
    route("api/governance", views.IndexView.as_view(), "governance-index"),
    route("api/governance/gate", views.GateView.as_view(), "gate"),
    route("api/system/status", views.StatusView.as_view(), "system-status"),
    route("health", views.HealthView.as_view(), "health"),
    route("health/ready", views.ReadyView.as_view(), "health-ready"),
    *(
        path("api/governance/", include(f"{app.name}.urls"))
        for app in LEVERS
        if module_has_submodule(app.module, "urls")
    ),
    path("api/governance/", include("governance.urls")),
    path("api/", include("examples.deals.urls")),
    route("openapi.json", documentation.SchemaView.as_view(), "openapi"),
    route("metrics", metrics.MetricsView.as_view(), "metrics"),
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
