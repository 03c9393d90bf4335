"""The addresses of the risk guard, under /api/governance."""

from governance.routing import Router, route
from riskguard import views

router = Router()
router.register("risk/reservations", views.ReservationViewSet, basename="risk-reservations")

urlpatterns = [
    route("risk/policies", views.PolicyViewSet.as_view({"get": "list"}), "risk-policies"),
    route("risk/policies/upsert", views.PolicyViewSet.as_view({"post": "upsert"}), "risk-policies-upsert"),
    route("risk/ledger/today", views.LedgerTodayViewSet.as_view({"get": "list"}), "risk-ledger-today"),
    route("risk/ledger", views.LedgerViewSet.as_view({"get": "list"}), "risk-ledger"),
    route("risk/events", views.EventViewSet.as_view({"get": "list"}), "risk-events"),
    route("risk/check-and-reserve", views.DecisionViewSet.as_view({"post": "reserve"}), "risk-check-and-reserve"),
    route(
        "risk/check-and-reserve/batch",
        views.DecisionViewSet.as_view({"post": "reserve_many"}),
        "risk-check-and-reserve-batch",
    ),
    route("risk/settle", views.DecisionViewSet.as_view({"post": "settle"}), "risk-settle"),
    route("risk/release", views.DecisionViewSet.as_view({"post": "release"}), "risk-release"),
    *router.urls,
]
