"""The addresses of Heimdall, under /api/governance."""

from governance.routing import Router, route
from heimdall import views

router = Router()
router.register("heimdall/recommendations", views.RecommendationViewSet, basename="heimdall-recommendations")

urlpatterns = [
    route("heimdall/policies", views.PolicyViewSet.as_view({"get": "list"}), "heimdall-policies"),
    route("heimdall/policies/upsert", views.PolicyViewSet.as_view({"post": "upsert"}), "heimdall-policies-upsert"),
    route("heimdall/scorecard/today", views.ScorecardTodayViewSet.as_view({"get": "list"}), "heimdall-scorecard-today"),
    route("heimdall/scorecard", views.ScorecardViewSet.as_view({"get": "list"}), "heimdall-scorecard"),
    route("heimdall/evidence", views.EvidenceViewSet.as_view({"get": "list"}), "heimdall-evidence"),
    route("heimdall/evidence/restart", views.EvidenceViewSet.as_view({"post": "restart"}), "heimdall-restart"),
    route("heimdall/recommend", views.SandboxViewSet.as_view({"post": "recommend"}), "heimdall-recommend"),
    route("heimdall/sandbox/trial", views.SandboxViewSet.as_view({"post": "trial"}), "heimdall-trial"),
    route("heimdall/what-if", views.WhatIfView.as_view(), "heimdall-what-if"),
    route("heimdall/events", views.EventViewSet.as_view({"get": "list"}), "heimdall-events"),
    *router.urls,
]
