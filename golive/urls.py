"""The addresses of the switches, under /api/governance."""

from golive.views import GoLiveViewSet
from governance.routing import route

urlpatterns = [
    route("go-live/state", GoLiveViewSet.as_view({"get": "state"}), "go-live-state"),
    route("go-live/checklist", GoLiveViewSet.as_view({"get": "checklist"}), "go-live-checklist"),
    route("go-live/enable", GoLiveViewSet.as_view({"post": "enable"}), "go-live-enable"),
    route("go-live/disable", GoLiveViewSet.as_view({"post": "disable"}), "go-live-disable"),
    route("go-live/kill-switch/engage", GoLiveViewSet.as_view({"post": "engage"}), "kill-switch-engage"),
    route("go-live/kill-switch/release", GoLiveViewSet.as_view({"post": "release"}), "kill-switch-release"),
]
