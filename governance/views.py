"""The kernel's own addresses: holds, changes, the audit trail and the review."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import approvals, changes, door, problems, review, roles, verdicts
from governance.attribution import actor_of
from governance.filters import AuditEventFilter, ChangeRequestFilter, HoldFilter, ReviewDecisionFilter
from governance.models import AuditEvent, ChangeRequest, Hold, ReviewDecision
from governance.schema import failures
from governance.serializers import (
    AuditEventSerializer,
    ChangeRequestSerializer,
    HoldSerializer,
    ReviewDecisionSerializer,
    ReviewQuerySerializer,
    TrailLineSerializer,
    TrailPageSerializer,
    TrailQuerySerializer,
    VerdictSerializer,
    WriteSerializer,
)
from governance.trail import reading


class ReviewView(APIView):
    """The Monday control plane review."""

    query = ReviewQuerySerializer

    @extend_schema(operation_id="review", parameters=[ReviewQuerySerializer], responses=OpenApiTypes.OBJECT)
    def get(self, request: Request) -> Response:
        """Return every lever's section over a week, what has earned promotion, and the last decision."""
        asked = self.query(data=request.query_params)
        asked.is_valid(raise_exception=True)
        day = asked.validated_data.get("week")
        return Response(review.control_plane(review.week_of(day) if day else review.last_week()))


class ReviewDecisionViewSet(viewsets.ReadOnlyModelViewSet[ReviewDecision]):
    """What past reviews ended in, and the decision in which one ends."""

    queryset = ReviewDecision.objects.order_by("-pk")
    serializer_class = ReviewDecisionSerializer
    filterset_class = ReviewDecisionFilter
    rights: ClassVar = {"create": roles.OPERATE}

    @extend_schema(request=VerdictSerializer, responses={200: ReviewDecisionSerializer})
    def create(self, request: Request) -> Response:
        """Record that the review of the last seven days is done: healthy, watch or intervene, with a note."""
        written = VerdictSerializer(data=request.data)
        written.is_valid(raise_exception=True)
        return door.submit(
            request, written, action=verdicts.DECIDE, shown=lambda decided: ReviewDecisionSerializer(decided).data
        )


class HoldViewSet(viewsets.ReadOnlyModelViewSet[Hold]):
    """What holds now."""

    queryset = Hold.objects.order_by("-pk")
    serializer_class = HoldSerializer
    filterset_class = HoldFilter


class AuditEventViewSet(viewsets.ReadOnlyModelViewSet[AuditEvent]):
    """Who changed, approved or attempted what."""

    queryset = AuditEvent.objects.order_by("-pk")
    serializer_class = AuditEventSerializer
    filterset_class = AuditEventFilter
    rights: ClassVar = {"list": roles.AUDIT, "retrieve": roles.AUDIT}


class TrailView(APIView):
    """Audit rows and every lever's events in one reading."""

    query = TrailQuerySerializer
    rights: ClassVar = {"get": roles.AUDIT}

    @extend_schema(operation_id="trail", parameters=[TrailQuerySerializer], responses=TrailPageSerializer)
    def get(self, request: Request) -> Response:
        """Return a page, the newest line first."""
        asked = self.query(data=request.query_params)
        asked.is_valid(raise_exception=True)
        wanted = dict(asked.validated_data)
        most, below = wanted.pop("page_size"), reading.mark(wanted.pop("cursor"))
        lines = reading.page(most=most, below=below, **wanted)
        following = reading.cursor(lines[-1].mark) if len(lines) == most else None
        return Response({"next": following, "results": TrailLineSerializer(lines, many=True).data})


class ChangeRequestViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[ChangeRequest]):
    """Changes that wait, or waited, for a second person."""

    queryset = ChangeRequest.objects.order_by("-pk")
    serializer_class = ChangeRequestSerializer
    filterset_class = ChangeRequestFilter
    rights: ClassVar = {
        "approve": roles.APPROVE,
        "reject": roles.APPROVE,
        "withdraw": roles.OPERATE,
        "break_glass": roles.BREAK_GLASS,
        "look": roles.APPROVE,
    }

    @extend_schema(
        request=WriteSerializer,
        responses={
            200: ChangeRequestSerializer,
            **failures({412: "A precondition fails: `checklist` holds it."}),
        },
    )
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Apply the change exactly as proposed."""
        return self._decide(request, pk, approvals.approve)

    @extend_schema(request=WriteSerializer)
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """End the change without applying it."""
        return self._decide(request, pk, approvals.reject)

    @extend_schema(request=WriteSerializer)
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Take back a change of one's own."""
        return self._decide(request, pk, approvals.withdraw)

    @extend_schema(request=WriteSerializer)
    @action(detail=True, methods=["post"], url_path="break-glass")
    def break_glass(self, request: Request, pk: str) -> Response:
        """Apply the change alone, in an emergency; needs a reason, and shouts."""
        return self._decide(request, pk, approvals.break_glass)

    @extend_schema(request=WriteSerializer)
    @action(detail=True, methods=["post"])
    def look(self, request: Request, pk: str) -> Response:
        """Say that another person has looked at a broken glass."""
        return self._decide(request, pk, approvals.look_at_broken_glass)

    def _decide(self, request: Request, pk: str, decide: Any) -> Response:
        written = WriteSerializer(data=request.data)
        written.is_valid(raise_exception=True)
        change = self.get_object()
        who = written.validated_data
        outcome = decide(change_id=change.pk, actor=actor_of(request, who["actor"]), reason=who["reason"])
        if isinstance(outcome, changes.Refused):
            return problems.refused(outcome)
        change.refresh_from_db()
        return Response(ChangeRequestSerializer(change).data)
