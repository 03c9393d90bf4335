"""What the product is measured against: views that do one thing."""

from __future__ import annotations

import waffle
from django.http import HttpRequest, HttpResponse
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bench.models import Row
from valhalla.middleware import ExecutionClassMiddleware, GoLiveMiddleware


class RowSerializer(serializers.ModelSerializer):
    """The bare view's body and answer."""

    class Meta:
        model = Row
        fields = ("id", "engine", "amount", "actor", "at")


class InsertView(APIView):
    """Insert one row, as a tutorial would: no caller is known, nothing is decided."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    def post(self, request: Request) -> Response:
        """Insert the body."""
        written = RowSerializer(data=request.data)
        written.is_valid(raise_exception=True)
        written.save()
        return Response(written.data)


class KnownInsertView(InsertView):
    """The same, for a caller whose token is looked up as the product does it."""

    authentication_classes = APIView.authentication_classes
    permission_classes = APIView.permission_classes
    rights = {"post": "act"}  # noqa: RUF012


def nothing(_request: HttpRequest) -> HttpResponse:
    """Answer."""
    return HttpResponse("ok", content_type="text/plain")


def switched(_request: HttpRequest) -> HttpResponse:
    """Answer where waffle's switch is on."""
    return HttpResponse("ok" if waffle.switch_is_active("go-live") else "no", content_type="text/plain")


gated = GoLiveMiddleware(ExecutionClassMiddleware(nothing))
