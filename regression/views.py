"""The tripwires over HTTP: check, call one service, answer."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from governance import door, idempotency, roles
from governance.attribution import actor_of
from governance.filters import RETIRED, asks_for_retired
from governance.schema import failures
from governance.scope import require_engines
from governance.serializers import PendingSerializer, WriteSerializer
from governance.shapes import checked
from regression import examples, rules, selectors, services, words
from regression.filters import BaselineFilter, KpiEventFilter, RegressionIncidentFilter
from regression.models import KpiEvent, RegressionBaseline, RegressionIncident
from regression.recording import Observation
from regression.serializers import (
    BaselineSerializer,
    EvaluatedSerializer,
    IncidentStorySerializer,
    KpiEventSerializer,
    RecordedManySerializer,
    RecordedSerializer,
    RecordKpiSerializer,
    RecordKpisSerializer,
    RegressionIncidentSerializer,
    RegressionPolicySerializer,
    RegressionPolicyUpsertSerializer,
    RegressionStateSerializer,
    ReliabilitySerializer,
    ResolveSerializer,
    TripwireSerializer,
)

UNKNOWN = failures({404: "There is no such tripwire."})


class PolicyViewSet(viewsets.ViewSet):
    """The tripwires' policies: read, and changed through the door."""

    rights: ClassVar = {"upsert": roles.OPERATE}
    takes: ClassVar = (RETIRED.name,)

    @extend_schema(responses=RegressionPolicySerializer(many=True), parameters=[RETIRED])
    def list(self, request: Request) -> Response:
        """Return every policy in use, by domain and metric; with ``retired=true`` those that are not."""
        found = selectors.policies(retired=asks_for_retired(request))
        return Response(RegressionPolicySerializer(found, many=True).data)

    @extend_schema(
        request=RegressionPolicyUpsertSerializer,
        responses={200: RegressionPolicySerializer, 202: PendingSerializer},
        examples=examples.UPSERT,
    )
    def upsert(self, request: Request) -> Response:
        """Change the fields that the body names, and no others."""
        written = _written(RegressionPolicyUpsertSerializer, request)
        patch = written.patch(without=["domain", "metric"])
        return door.submit(
            request, written, action=rules.SET_POLICY, target=_target(written), patch=patch, shown=_policy
        )


class TripwireViewSet(viewsets.ViewSet):
    """How the tripwires stand."""

    rights: ClassVar = {"evaluate": roles.ACT, "rearm": roles.OPERATE}

    @extend_schema(responses=RegressionStateSerializer(many=True))
    def list(self, request: Request) -> Response:
        """Return the state of every tripwire that was ever enabled or evaluated."""
        return Response(RegressionStateSerializer(selectors.states(), many=True).data)

    @extend_schema(
        request=TripwireSerializer, responses={200: EvaluatedSerializer, **UNKNOWN}, examples=examples.EVALUATE
    )
    def evaluate(self, request: Request) -> Response:
        """Evaluate a tripwire now; it pulls its lever if it trips. 200 both ways."""
        asked = _written(TripwireSerializer, request).validated_data
        domain, metric = asked["domain"], asked["metric"]
        require_engines(request, [domain])
        state = services.evaluate(domain=domain, metric=metric, actor=actor_of(request, asked["actor"]))
        if state is None:
            told = {"ok": False, "reason": rules.POLICY_MISSING, "message": words.missing(domain, metric)}
            return Response({**told, "state": None})
        return Response({"ok": True, "state": _state(state)})

    @extend_schema(
        request=TripwireSerializer,
        responses={200: RegressionStateSerializer, 202: PendingSerializer, **UNKNOWN},
        examples=examples.REARM,
    )
    def rearm(self, request: Request) -> Response:
        """Let a triggered tripwire watch again, from here on; needs a reason."""
        written = _written(TripwireSerializer, request)
        return door.submit(request, written, action=rules.REARM, target=_target(written), patch={}, shown=_state)


class BaselineViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[RegressionBaseline]):
    """The baselines that people have pinned."""

    queryset = RegressionBaseline.objects.order_by("-pk")
    serializer_class = BaselineSerializer
    filterset_class = BaselineFilter
    rights: ClassVar = {"pin": roles.OPERATE}

    @extend_schema(request=TripwireSerializer, responses={200: BaselineSerializer, 202: PendingSerializer, **UNKNOWN})
    def pin(self, request: Request) -> Response:
        """Take a new baseline from the events that follow; needs a reason. The note says why it waits."""
        written = _written(TripwireSerializer, request)
        return door.submit(request, written, action=rules.PIN, target=_target(written), patch={}, shown=_baseline)


class KpiViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[KpiEvent]):
    """KPI events."""

    queryset = KpiEvent.objects.order_by("-pk")
    serializer_class = KpiEventSerializer
    filterset_class = KpiEventFilter
    rights: ClassVar = {"create": roles.ACT, "create_many": roles.ACT}

    @extend_schema(request=RecordKpiSerializer, responses={201: RecordedSerializer}, examples=examples.RECORD)
    def create(self, request: Request) -> Response:
        """Record one event; an enabled tripwire is evaluated with it."""
        asked = checked(RecordKpiSerializer, request.data)
        require_engines(request, [asked["domain"]])
        recorded = services.record_kpi(
            domain=asked["domain"],
            metric=asked["metric"],
            success=asked.get("success"),
            value=asked.get("value"),
            actor=actor_of(request, asked["actor"]),
            correlation_id=asked["correlation_id"],
        )
        return Response({"ok": True, "id": recorded.id}, status=status.HTTP_201_CREATED)

    @extend_schema(
        parameters=[idempotency.HEADER],
        request=RecordKpisSerializer,
        responses={201: RecordedManySerializer, **failures({409: "The key was used for other events."})},
        examples=examples.RECORD_MANY,
    )
    def create_many(self, request: Request) -> Response:
        """Record up to 10,000 events in order, in one transaction; with a key once, however often they are sent."""
        asked = checked(RecordKpisSerializer, request.data)
        require_engines(request, {item["domain"] for item in asked["items"]})
        observations = [Observation(**item) for item in asked["items"]]
        batch = services.record_kpis(
            observations=observations,
            actor=actor_of(request, asked["actor"]),
            idempotency_key=idempotency.key_of(request, asked.get("idempotency_key")),
        )
        triggered = [rules.key(state.domain, state.metric) for state in batch.states if state.triggered]
        return Response({"ok": True, "ids": batch.ids, "triggered": triggered}, status=status.HTTP_201_CREATED)


class IncidentViewSet(viewsets.ReadOnlyModelViewSet[RegressionIncident]):
    """Incidents: one for each trip."""

    queryset = RegressionIncident.objects.order_by("-pk")
    serializer_class = RegressionIncidentSerializer
    filterset_class = RegressionIncidentFilter
    lookup_value_regex = "[0-9]{1,18}"
    rights: ClassVar = {"acknowledge": roles.OPERATE, "resolve": roles.OPERATE}

    def get_serializer_class(self) -> type[RegressionIncidentSerializer]:
        """Tell the way to the trip where one incident is asked for, and not in lists."""
        return IncidentStorySerializer if self.action == "retrieve" else RegressionIncidentSerializer

    @extend_schema(request=WriteSerializer, responses=IncidentStorySerializer)
    @action(detail=True, methods=["post"])
    def acknowledge(self, request: Request, pk: str) -> Response:
        """Say that a person has taken the incident on."""
        written = _written(WriteSerializer, request)
        return door.submit(request, written, action=rules.ACKNOWLEDGE, target=pk, patch={}, shown=_incident)

    @extend_schema(request=ResolveSerializer, responses=IncidentStorySerializer)
    @action(detail=True, methods=["post"])
    def resolve(self, request: Request, pk: str) -> Response:
        """Close the incident with its cause; the reason is kept as its resolution."""
        written = _written(ResolveSerializer, request)
        return door.submit(request, written, action=rules.RESOLVE, target=pk, shown=_incident)

    @extend_schema(responses=ReliabilitySerializer(many=True), filters=True)
    @action(detail=False, pagination_class=None)
    def summary(self, request: Request) -> Response:
        """Say how reliable each tripwire was over the incidents that the filters let through."""
        found = selectors.reliability(self.filter_queryset(self.get_queryset()))
        return Response(ReliabilitySerializer(found, many=True).data)


def _written(body: type[WriteSerializer], request: Request) -> WriteSerializer:
    written = body(data=request.data)
    written.is_valid(raise_exception=True)
    return written


def _target(written: WriteSerializer) -> str:
    return rules.key(written.validated_data["domain"], written.validated_data["metric"])


def _policy(row: Any) -> dict[str, Any]:
    return dict(RegressionPolicySerializer(row).data)


def _state(row: Any) -> dict[str, Any]:
    return dict(RegressionStateSerializer(row).data)


def _baseline(row: Any) -> dict[str, Any]:
    return dict(BaselineSerializer(row).data)


def _incident(row: Any) -> dict[str, Any]:
    return dict(IncidentStorySerializer(row).data)
