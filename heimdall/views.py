"""Heimdall over HTTP: check, call one service, answer."""

from __future__ import annotations

from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance import door, roles
from governance.attribution import actor_of
from governance.filters import RETIRED, asks_for_retired
from governance.schema import failures
from governance.scope import require_engines
from governance.serializers import PendingSerializer, WriteSerializer
from heimdall import examples, rules, selectors, services, trying
from heimdall.filters import HeimdallEventFilter, PolicyFilter, RecommendationFilter, ScorecardDayFilter
from heimdall.models import HeimdallEvent, HeimdallPolicy, HeimdallRecommendation, HeimdallScorecardDay
from heimdall.serializers import (
    AuthorizationSerializer,
    HeimdallEventSerializer,
    HeimdallPolicySerializer,
    HeimdallPolicyUpsertSerializer,
    JudgementSerializer,
    LearnedSerializer,
    LearnSerializer,
    RecommendationSerializer,
    RecommendSerializer,
    TrialAnswerSerializer,
    TrialSerializer,
    WhatIfQuerySerializer,
    WhatIfSerializer,
)
from heimdall.shapes import (
    DomainEvidenceSerializer,
    RestartSerializer,
    ScorecardDaySerializer,
    ScorecardTodaySerializer,
    StartSerializer,
)

UNKNOWN = failures({404: "The domain has no policy."})


class PolicyViewSet(viewsets.ViewSet):
    """Heimdall's policies: read, and changed through the door."""

    rights: ClassVar = {"upsert": roles.OPERATE}
    takes: ClassVar = (RETIRED.name,)

    @extend_schema(responses=HeimdallPolicySerializer(many=True), parameters=[RETIRED])
    def list(self, request: Request) -> Response:
        """Return every policy in use, by domain; with ``retired=true`` those that are not."""
        found = selectors.policies(retired=asks_for_retired(request))
        return Response(HeimdallPolicySerializer(found, many=True).data)

    @extend_schema(
        request=HeimdallPolicyUpsertSerializer,
        responses={200: HeimdallPolicySerializer, 202: PendingSerializer},
        examples=examples.UPSERT,
    )
    def upsert(self, request: Request) -> Response:
        """Change the fields that the body names, and no others."""
        written = HeimdallPolicyUpsertSerializer(data=request.data)
        written.is_valid(raise_exception=True)
        target, patch = written.validated_data["domain"], written.patch(without=["domain"])
        return door.submit(request, written, action=rules.SET_POLICY, target=target, patch=patch, shown=_policy)


class ScorecardTodayViewSet(viewsets.ViewSet):
    """Today's scorecard."""

    @extend_schema(responses=ScorecardTodaySerializer(many=True))
    def list(self, request: Request) -> Response:
        """Return a row for every domain that had a trial today (UTC)."""
        return Response(ScorecardTodaySerializer(selectors.scorecards_today(), many=True).data)


class ScorecardViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[HeimdallScorecardDay]):
    """The scorecards' history."""

    queryset = HeimdallScorecardDay.objects.order_by("-pk")
    serializer_class = ScorecardDaySerializer
    filterset_class = ScorecardDayFilter


class EvidenceViewSet(viewsets.GenericViewSet[HeimdallPolicy]):
    """What each domain is judged by, under its policy's evidence rule."""

    queryset = HeimdallPolicy.objects.filter(retired_at__isnull=True).order_by("-pk")
    serializer_class = DomainEvidenceSerializer
    filterset_class = PolicyFilter
    rights: ClassVar = {"restart": roles.OPERATE}

    def list(self, request: Request) -> Response:
        """Return each domain's evidence, and under ANYTIME what it proves and how many trials are needed still."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset())) or []
        shown = selectors.evidence_of(page, selectors.today())
        rows = [{"domain": policy.domain, "evidence": shown[policy.domain]} for policy in page]
        return self.get_paginated_response(DomainEvidenceSerializer(rows, many=True).data)

    @extend_schema(request=RestartSerializer, responses={200: StartSerializer, 202: PendingSerializer, **UNKNOWN})
    def restart(self, request: Request) -> Response:
        """Start a domain's evidence anew: no trial counts any more, and an admission ends. Needs a reason."""
        written = RestartSerializer(data=request.data)
        written.is_valid(raise_exception=True)
        target = written.validated_data["domain"]
        return door.submit(request, written, action=rules.RESTART, target=target, patch={}, shown=_start)


class RecommendationViewSet(viewsets.ReadOnlyModelViewSet[HeimdallRecommendation]):
    """Recommendations."""

    queryset = HeimdallRecommendation.objects.order_by("-pk")
    serializer_class = RecommendationSerializer
    filterset_class = RecommendationFilter
    lookup_value_regex = "[0-9]{1,18}"
    rights: ClassVar = {"authorize": roles.ACT, "outcome": roles.ACT}

    @extend_schema(request=WriteSerializer, responses=AuthorizationSerializer)
    @action(detail=True, methods=["post"])
    def authorize(self, request: Request, pk: str) -> Response:
        """Let the recommendation act, once, if it may as things stand now; 200 both ways."""
        asked = _checked(WriteSerializer, request)
        require_engines(request, selectors.engines_behind([int(pk)]))
        answer = services.authorize(recommendation_id=int(pk), actor=actor_of(request, asked["actor"]))
        return Response(AuthorizationSerializer(answer).data)

    @extend_schema(request=LearnSerializer, responses=LearnedSerializer, examples=examples.OUTCOME)
    @action(detail=True, methods=["post"])
    def outcome(self, request: Request, pk: str) -> Response:
        """Say how an authorized recommendation turned out, once; it becomes a KPI of its engine. 200 both ways."""
        asked = _checked(LearnSerializer, request)
        require_engines(request, selectors.engines_behind([int(pk)]))
        actor = actor_of(request, asked["actor"])
        answer = services.record_outcome(recommendation_id=int(pk), success=asked["success"], actor=actor)
        return Response(LearnedSerializer(answer).data)


class WhatIfView(APIView):
    """What other thresholds would have let through."""

    query = WhatIfQuerySerializer

    @extend_schema(
        operation_id="heimdall_what_if",
        parameters=[WhatIfQuerySerializer],
        responses={200: WhatIfSerializer, **UNKNOWN},
    )
    def get(self, request: Request) -> Response:
        """Try thresholds on the recorded recommendations, as if production use had been enabled; nothing changes."""
        asked = self.query(data=request.query_params)
        asked.is_valid(raise_exception=True)
        return Response(WhatIfSerializer({"tried": trying.tried(**asked.validated_data)}).data)


class EventViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[HeimdallEvent]):
    """The decisions, one row each."""

    queryset = HeimdallEvent.objects.order_by("-pk")
    serializer_class = HeimdallEventSerializer
    filterset_class = HeimdallEventFilter


class SandboxViewSet(viewsets.ViewSet):
    """Trials and recommendations, as the AI sends them."""

    rights: ClassVar = {"trial": roles.ACT, "recommend": roles.ACT}

    @extend_schema(request=TrialSerializer, responses=TrialAnswerSerializer, examples=examples.TRIAL)
    def trial(self, request: Request) -> Response:
        """Count a sandbox trial on today's scorecard; 200 both ways."""
        asked = _checked(TrialSerializer, request)
        require_engines(request, selectors.engines_of([asked["domain"]]))
        answer = services.trial(
            domain=asked["domain"],
            confidence=asked["confidence"],
            success=asked["success"],
            actor=actor_of(request, asked["actor"]),
        )
        return Response(TrialAnswerSerializer(answer).data)

    @extend_schema(request=RecommendSerializer, responses=JudgementSerializer, examples=examples.RECOMMEND)
    def recommend(self, request: Request) -> Response:
        """Store a recommendation and say whether it could act as things stand."""
        asked = _checked(RecommendSerializer, request)
        require_engines(request, selectors.engines_of([asked["domain"]]))
        judgement = services.recommend(
            domain=asked["domain"],
            confidence=asked["confidence"],
            recommendation=asked["recommendation"],
            evidence=asked["evidence"],
            actor=actor_of(request, asked["actor"]),
            correlation_id=asked["correlation_id"],
        )
        return Response(JudgementSerializer(judgement).data)


def _checked(body: type[WriteSerializer], request: Request) -> dict[str, Any]:
    written = body(data=request.data)
    written.is_valid(raise_exception=True)
    checked: dict[str, Any] = written.validated_data
    return checked


def _policy(row: Any) -> dict[str, Any]:
    return dict(HeimdallPolicySerializer(row).data)


def _start(row: Any) -> dict[str, Any]:
    return dict(StartSerializer(row).data)
