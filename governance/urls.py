"""The kernel's addresses, under /api/governance."""

from governance import views
from governance.routing import Router, route

router = Router()
router.register("holds", views.HoldViewSet, basename="holds")
router.register("changes", views.ChangeRequestViewSet, basename="changes")
router.register("review/decisions", views.ReviewDecisionViewSet, basename="review-decisions")
router.register("audit", views.AuditEventViewSet, basename="audit")

urlpatterns = [
    route("review", views.ReviewView.as_view(), "review"),
    route("trail", views.TrailView.as_view(), "trail"),
    *router.urls,
]
