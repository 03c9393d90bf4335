"""Addresses of the whole: the index, the system's status, health, and the answers to what is not there."""

from __future__ import annotations

import logging
from typing import Any, ClassVar

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import get_resolver
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from golive import rules, selectors
from governance import attempts, clock, metrics, problems, readiness, roles
from governance.errors import Invalid
from governance.permissions import HasRight, is_local
from governance.register import Check
from governance.schema import failures
from valhalla import classification, gate
from valhalla.gate import Refusal
from valhalla.serializers import HealthSerializer, IndexSerializer, ReadySerializer, StatusSerializer

EPOCH, CODE = "X-Governance-Epoch", "X-Governance-Code"
_log = logging.getLogger(__name__)
PREFIX = "api/governance/"


class IndexView(APIView):
    """Where everything is."""

    @extend_schema(operation_id="index", responses=IndexSerializer)
    def get(self, request: Request) -> Response:
        """Return the addresses of the control plane that take no argument, by name."""
        known = get_resolver().reverse_dict
        names = sorted(name for name in known.keys() if isinstance(name, str))  # noqa: SIM118 -- a MultiValueDict
        places = {name: reverse(name, request=request) for name in names if _is_plain(known.getlist(name))}
        return Response({"name": "Valhalla", "documentation": request.build_absolute_uri("/docs"), "addresses": places})


def _is_plain(routes: list[tuple[list[tuple[str, list[str]]], str, dict[str, str], dict[str, str]]]) -> bool:
    return any(path.startswith(PREFIX) and not arguments for route in routes for path, arguments in route[0])


class StatusView(APIView):
    """How the system stands, in one look."""

    @extend_schema(responses=StatusSerializer)
    def get(self, request: Request) -> Response:
        """Return where production stands, what holds, and how this process is set."""
        state = selectors.shown(selectors.state())
        holds = selectors.reading(clock.now()).levers()
        status = rules.status(
            enabled=state["go_live_enabled"], killed=state["kill_switch_engaged"], enforced=state["enforced"]
        )
        engines = [{"scope": hold.scope, "code": hold.code, "reason": hold.reason} for hold in holds]
        told = {"status": status, **state, "held": engines, "api_auth": settings.API_AUTH}
        return Response({**told, "four_eyes": settings.FOUR_EYES, "currency": settings.VALHALLA_CURRENCY})


class MayAskTheGate(HasRight):
    """The right to ask, or a proxy on this very machine."""

    def has_permission(self, request: Request, view: Any) -> bool:
        """Say whether this caller may ask."""
        return is_local(request._request) or super().has_permission(request, view)


class GateView(APIView):
    """The gate, for a proxy before services that do not know it (nginx: auth_request)."""

    permission_classes = (MayAskTheGate,)
    rights: ClassVar = {"get": roles.GATE}

    @extend_schema(
        operation_id="gate",
        parameters=[
            OpenApiParameter("X-Original-URI", str, OpenApiParameter.HEADER, required=True, description="As received."),
            OpenApiParameter("X-Original-Method", str, OpenApiParameter.HEADER, description="Default: GET."),
            OpenApiParameter(
                EPOCH, int, OpenApiParameter.HEADER, response=[204], description="What admitted it: hand it on."
            ),
            OpenApiParameter(
                CODE, str, OpenApiParameter.HEADER, response=[403, 503], description="What refuses, for machines."
            ),
        ],
        responses={
            204: OpenApiResponse(description="It may pass."),
            **failures({400: "No X-Original-URI.", 403: "It may not pass, and `code` says why; or no right to ask."}),
        },
    )
    def get(self, request: Request) -> Response:
        """Say whether a request that another service has received may pass: 204, or 403 with the reason.

        The class is told from path and method as for the site's own addresses. The epoch goes with the admission, and
        check-and-reserve takes it, so that what was admitted before a kill is refused after it.
        """
        path = request.headers.get("X-Original-URI", "").partition("?")[0]
        if not path.startswith("/"):
            raise Invalid({"X-Original-URI": ["Send the request's address as it was received: /api/deals?x=1."]})
        method = request.headers.get("X-Original-Method", "GET")
        judged = gate.judge(path, method)
        metrics.gated(judged.code if isinstance(judged, Refusal) else metrics.ADMITTED)
        if isinstance(judged, Refusal):
            told = {"exec_class": classification.kind_of(path, method.upper()).exec_class, "path": path}
            body = problems.body(judged.status, judged.detail, judged.code, **told)
            return problems.Problem(body, headers={CODE: judged.code})
        admitted_under = {} if judged is None else {EPOCH: str(judged.epoch)}
        return Response(status=204, headers=admitted_under)


class HealthView(APIView):
    """Whether this process answers."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(responses=HealthSerializer)
    def get(self, request: Request) -> Response:
        """Return ok, without asking the database."""
        return Response({"ok": True})


class ReadyView(APIView):
    """Whether this process can decide."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(responses={200: ReadySerializer, 503: ReadySerializer})
    def get(self, request: Request) -> Response:
        """Return what is wrong: the database, migrations, seed rows, levers; and who does not run beside it.

        What stands under ``warnings`` keeps no process from deciding, so it takes none out of a balancer.
        """
        try:
            checks = [Check("database", ok=True, detail="The database answers."), *readiness.essentials()]
            checks += readiness.watched() if all(check.ok for check in checks) else []
        except (DatabaseError, InterfaceError):
            _log.exception("The database does not answer")
            checks = [Check("database", ok=False, detail="The database does not answer: the log says why.")]
        told = readiness.told(checks)
        answer = {"ok": told["ok"], "checks": told["required"], "warnings": told["warnings"]}
        return Response(answer, status=200 if told["ok"] else 503)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return a 404: a page for a browser, a problem for a machine."""
    return _told(request, 404, "not_found", "There is nothing at this address. See /docs for every address.")


def forbidden(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponse:
    """Return a 403, and record whose attempt it was; ``reason`` is why Django refuses a form (CSRF), for the log."""
    if exception is not None and request.user.is_authenticated:
        attempts.refused(
            request, actor=request.user.get_username(), why=str(exception) or "The role does not allow it."
        )
    return _told(request, 403, "permission_denied", "You may not do this with the rights that you have.")


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return a 400."""
    return _told(request, 400, "invalid", "The request is malformed.")


def server_error(request: HttpRequest) -> HttpResponse:
    """Return a 500, without a word of what is inside."""
    return _told(request, 500, "server_error", "Something failed here. It is in the log; nothing was decided.")


def _told(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    if problems.for_machines(request):
        return problems.response(status, detail, code)
    return render(request, "problem.html", {"status": status, "detail": detail}, status=status)
