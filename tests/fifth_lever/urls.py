"""The quarantine's addresses, under /api/governance."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from governance import door, roles
from governance.fields import EngineField
from governance.routing import route
from governance.serializers import WriteSerializer
from tests.fifth_lever import review, services


class SetSerializer(WriteSerializer):
    engine = EngineField()


class WardViewSet(viewsets.ViewSet):
    """Who is in quarantine."""

    rights: ClassVar = {"put": roles.OPERATE}

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def list(self, request: Request) -> Response:
        return Response(review.wards())

    @extend_schema(request=SetSerializer, responses=OpenApiTypes.OBJECT)
    def put(self, request: Request) -> Response:
        written = SetSerializer(data=request.data)
        written.is_valid(raise_exception=True)
        target, patch = written.validated_data["engine"], written.patch(without=["engine"])
        return door.submit(
            request, written, action=services.SET, target=target, patch=patch, shown=lambda ward: ward.snapshot()
        )


urlpatterns = [route("quarantine", WardViewSet.as_view({"get": "list", "post": "put"}), "quarantine")]
