"""The switches over HTTP."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from golive import examples, selectors
from golive.serializers import ChecklistSerializer, EnableSerializer, GoLiveStateSerializer
from governance import door, readiness, roles
from governance.schema import failures
from governance.serializers import PendingSerializer, WriteSerializer

ANSWERS = {200: GoLiveStateSerializer, 202: PendingSerializer}


class GoLiveViewSet(viewsets.ViewSet):
    """Go-live and the kill switch."""

    rights: ClassVar = {
        "enable": roles.OPERATE,
        "disable": roles.OPERATE,
        "engage": roles.OPERATE,
        "release": roles.OPERATE,
    }

    @extend_schema(responses=GoLiveStateSerializer)
    def state(self, request: Request) -> Response:
        """Return the switches."""
        return Response(_shown(selectors.state()))

    @extend_schema(responses=ChecklistSerializer)
    def checklist(self, request: Request) -> Response:
        """Return the go-live checklist."""
        return Response(readiness.checklist())

    @extend_schema(
        request=EnableSerializer,
        responses={**ANSWERS, **failures({412: "The checklist fails: `checklist` holds it."})},
        examples=examples.ENABLE,
    )
    def enable(self, request: Request) -> Response:
        """Let production run; 412 with the checklist where it fails."""
        return self._turn(request, "go_live.enable", EnableSerializer)

    @extend_schema(request=WriteSerializer, responses=ANSWERS, examples=examples.TURN)
    def disable(self, request: Request) -> Response:
        """Stop production."""
        return self._turn(request, "go_live.disable")

    @extend_schema(request=WriteSerializer, responses=ANSWERS, examples=examples.TURN)
    def engage(self, request: Request) -> Response:
        """Engage the kill switch."""
        return self._turn(request, "kill_switch.engage")

    @extend_schema(request=WriteSerializer, responses=ANSWERS, examples=examples.TURN)
    def release(self, request: Request) -> Response:
        """Release the kill switch; needs a reason."""
        return self._turn(request, "kill_switch.release")

    def _turn(self, request: Request, action: str, body: type[WriteSerializer] = WriteSerializer) -> Response:
        written = body(data=request.data)
        written.is_valid(raise_exception=True)
        patch = {name: value for name, value in written.validated_data.items() if name in {"override", "until"}}
        return door.submit(request, written, action=action, patch=patch, shown=_shown)


def _shown(row: Any) -> dict[str, Any]:
    return dict(GoLiveStateSerializer(selectors.shown(row)).data)
