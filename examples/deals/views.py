"""The reference engine over HTTP. Every method executes in production, as the gate's path rule says too."""

from __future__ import annotations

import itertools
from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import mixins, status, viewsets
from rest_framework.request import Request
from rest_framework.response import Response

from examples.deals import services
from examples.deals.filters import DealFilter
from examples.deals.models import Deal
from examples.deals.serializers import DealSerializer, OfferSerializer
from examples.deals.services import Offer, Refusal
from governance import idempotency, problems, roles
from governance.attribution import actor_of
from governance.schema import failures
from governance.scope import require_engines
from heimdall.selectors import engines_behind

FAILURES = failures(
    {
        404: "There is no such recommendation.",
        409: "A lever refuses (`lever` and `code` say which and why), or the key was used for another offer.",
    }
)


class DealViewSet(mixins.ListModelMixin, viewsets.GenericViewSet[Deal]):
    """Deals: booked behind all four levers."""

    queryset = Deal.objects.order_by("-pk")
    serializer_class = DealSerializer
    filterset_class = DealFilter
    rights: ClassVar = {"create": roles.ACT}
    exec_class = "PROD_EXEC"
    exec_engine = services.ENGINE

    @extend_schema(
        parameters=[idempotency.HEADER],
        request=OfferSerializer,
        responses={201: DealSerializer, **FAILURES},
    )
    def create(self, request: Request) -> Response:
        """Make an offer and book it; 409 names the lever that refuses."""
        written = OfferSerializer(data=request.data)
        written.is_valid(raise_exception=True)
        asked = dict(written.validated_data)
        behind = engines_behind([asked["recommendation_id"]]) if asked["recommendation_id"] else []
        require_engines(request, itertools.chain([services.ENGINE], behind))
        actor, _reason = actor_of(request, asked.pop("actor")), asked.pop("reason")
        made = services.make(
            offer=Offer(**asked),
            actor=actor,
            idempotency_key=idempotency.key_of(request),
            epoch=request.governance.epoch,  # type: ignore[attr-defined]  # the gate sets it
        )
        if isinstance(made, Refusal):
            return problems.Problem(problems.body(409, made.message, made.reason, lever=made.lever))
        return Response(DealSerializer(made).data, status=status.HTTP_201_CREATED)
