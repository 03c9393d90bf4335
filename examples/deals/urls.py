"""The reference engine's addresses, under /api."""

from examples.deals.views import DealViewSet
from governance.routing import route

urlpatterns = [route("deals", DealViewSet.as_view({"get": "list", "post": "create"}), "deals")]
