"""The addresses of the tripwires, under /api/governance."""

from governance.routing import Router, route
from regression import views

router = Router()
router.register("regression/incidents", views.IncidentViewSet, basename="regression-incidents")

urlpatterns = [
    route("regression/policies", views.PolicyViewSet.as_view({"get": "list"}), "regression-policies"),
    route("regression/policies/upsert", views.PolicyViewSet.as_view({"post": "upsert"}), "regression-policies-upsert"),
    route("regression/state", views.TripwireViewSet.as_view({"get": "list"}), "regression-state"),
    route("regression/kpi", views.KpiViewSet.as_view({"get": "list", "post": "create"}), "regression-kpi"),
    route("regression/kpi/batch", views.KpiViewSet.as_view({"post": "create_many"}), "regression-kpi-batch"),
    route("regression/evaluate", views.TripwireViewSet.as_view({"post": "evaluate"}), "regression-evaluate"),
    route("regression/rearm", views.TripwireViewSet.as_view({"post": "rearm"}), "regression-rearm"),
    route("regression/baselines", views.BaselineViewSet.as_view({"get": "list"}), "regression-baselines"),
    route("regression/baseline/pin", views.BaselineViewSet.as_view({"post": "pin"}), "regression-baseline-pin"),
    *router.urls,
]
