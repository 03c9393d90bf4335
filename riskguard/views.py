"""The risk guard over HTTP: check, call one service, answer."""

from __future__ import annotations

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from governance import door, idempotency, roles
from governance.attribution import actor_of
from governance.errors import Invalid
from governance.filters import RETIRED, asks_for_retired
from governance.schema import failures
from governance.scope import require_engines
from governance.serializers import PendingSerializer
from governance.shapes import checked, shown
from riskguard import examples, policies, selectors, services
from riskguard.decisions import Order
from riskguard.filters import EventFilter, LedgerDayFilter, ReservationFilter
from riskguard.models import RiskEvent, RiskLedgerDay, RiskReservation
from riskguard.serializers import (
    EventSerializer,
    LedgerDaySerializer,
    LedgerLineSerializer,
    ListedPolicySerializer,
    PolicyUpsertSerializer,
    ReleaseSerializer,
    ReservationSerializer,
    ReserveBatchSerializer,
    ReserveSerializer,
    ResolutionSerializer,
    RulingSerializer,
    RulingsSerializer,
    SettleSerializer,
)

UNSETTLED = failures({404: "There is no such reservation.", 409: "It was resolved in another way already."})


class PolicyViewSet(viewsets.ViewSet):
    """Risk policies: read, and changed through the door."""

    rights: ClassVar = {"upsert": roles.OPERATE}
    takes: ClassVar = (RETIRED.name,)

    @extend_schema(responses=ListedPolicySerializer(many=True), parameters=[RETIRED])
    def list(self, request: Request) -> Response:
        """Return every policy in use, GLOBAL first; with ``retired=true`` those that are not."""
        found = selectors.policies(retired=asks_for_retired(request))
        return Response(ListedPolicySerializer(found, many=True).data)

    @extend_schema(
        request=PolicyUpsertSerializer,
        responses={200: ListedPolicySerializer, 202: PendingSerializer},
        examples=examples.UPSERT,
    )
    def upsert(self, request: Request) -> Response:
        """Change the fields that the body names, and no others."""
        written = PolicyUpsertSerializer(data=request.data)
        written.is_valid(raise_exception=True)
        target, patch = written.validated_data["engine"], written.patch(without=["engine"])
        return door.submit(
            request,
            written,
            action=policies.SET_POLICY,
            target=target,
            patch=patch,
            shown=lambda row: ListedPolicySerializer(row).data,
        )


class LedgerTodayViewSet(viewsets.ViewSet):
    """Today's ledger."""

    @extend_schema(responses=LedgerLineSerializer(many=True))
    def list(self, request: Request) -> Response:
        """Return a line for every policy; nothing is written."""
        return Response(LedgerLineSerializer(selectors.ledger_today(), many=True).data)


class LedgerViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[RiskLedgerDay]):
    """The ledger's history."""

    queryset = RiskLedgerDay.objects.order_by("-pk")
    serializer_class = LedgerDaySerializer
    filterset_class = LedgerDayFilter


class ReservationViewSet(viewsets.ReadOnlyModelViewSet[RiskReservation]):
    """Reservations."""

    queryset = RiskReservation.objects.order_by("-pk")
    serializer_class = ReservationSerializer
    filterset_class = ReservationFilter


class EventViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[RiskEvent]):
    """The decisions, one row each."""

    queryset = RiskEvent.objects.order_by("-pk")
    serializer_class = EventSerializer
    filterset_class = EventFilter


class DecisionViewSet(viewsets.ViewSet):
    """Reserve, settle, release."""

    rights: ClassVar = {"reserve": roles.ACT, "reserve_many": roles.ACT, "settle": roles.ACT, "release": roles.ACT}

    @extend_schema(
        parameters=[idempotency.HEADER],
        request=ReserveSerializer,
        responses={200: RulingSerializer, **failures({409: "The key was used with another body."})},
        examples=examples.RESERVE,
    )
    def reserve(self, request: Request) -> Response:
        """Take exposure out of today's room of GLOBAL and the engine; 200 both ways."""
        asked = checked(ReserveSerializer, request.data)
        require_engines(request, [asked["engine"]])
        ruling = services.reserve(
            engine=asked["engine"],
            amount=asked["amount"],
            actor=actor_of(request, asked["actor"]),
            idempotency_key=idempotency.key_of(request, asked.get("idempotency_key")),
            correlation_id=asked["correlation_id"],
            epoch=asked.get("epoch"),
            dry_run=asked["dry_run"],
        )
        return Response(shown(RulingSerializer, ruling))

    @extend_schema(request=ReserveBatchSerializer, responses=RulingsSerializer, examples=examples.RESERVE_MANY)
    def reserve_many(self, request: Request) -> Response:
        """Decide up to 1,000 orders in turn, each as if it came alone, in one transaction; 200 whatever is refused."""
        if "Idempotency-Key" in request.headers:
            raise Invalid({"Idempotency-Key": ["A batch has a key for each item: send idempotency_key in the items."]})
        asked = checked(ReserveBatchSerializer, request.data)
        require_engines(request, [item["engine"] for item in asked["items"]])
        actor = actor_of(request, asked["actor"])
        rulings = services.reserve_many(orders=[Order(**item, actor=actor) for item in asked["items"]])
        reserved = sum(ruling.ok for ruling in rulings)
        told = {"reserved": reserved, "refused": len(rulings) - reserved, "answers": rulings}
        return Response(shown(RulingsSerializer, told))

    @extend_schema(
        request=SettleSerializer, responses={200: ResolutionSerializer, **UNSETTLED}, examples=examples.SETTLE
    )
    def settle(self, request: Request) -> Response:
        """Say how the action ended: its open risk is freed, its loss counts today."""
        asked = checked(SettleSerializer, request.data)
        require_engines(request, selectors.engines_of([asked["reservation_id"]]))
        actor = actor_of(request, asked["actor"])
        resolution = services.settle(
            reservation_id=asked["reservation_id"], realized_loss=asked["realized_loss"], actor=actor
        )
        return Response(shown(ResolutionSerializer, resolution))

    @extend_schema(
        request=ReleaseSerializer, responses={200: ResolutionSerializer, **UNSETTLED}, examples=examples.RELEASE
    )
    def release(self, request: Request) -> Response:
        """Give a reservation back whose action never happened."""
        asked = checked(ReleaseSerializer, request.data)
        require_engines(request, selectors.engines_of([asked["reservation_id"]]))
        actor = actor_of(request, asked["actor"])
        resolution = services.release(reservation_id=asked["reservation_id"], actor=actor)
        return Response(shown(ResolutionSerializer, resolution))
