"""The gate: whether a request may pass at all, judged by the state as the database has it at this moment."""

from __future__ import annotations

import logging
import re
import uuid
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from golive import selectors
from golive.selectors import Reading
from governance import clock, origin, problems
from valhalla import classification
from valhalla.classification import PROD_EXEC

_log = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"[A-Za-z0-9._\-]{8,64}")
Handler = Callable[[HttpRequest], HttpResponseBase]


class RequestIdMiddleware:
    """Give each request an id (the caller's own, where it is a plain one) and tell the trail where it comes from."""

    def __init__(self, get_response: Handler) -> None:
        """Keep what comes next."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Handle one request."""
        sent = request.headers.get("X-Request-ID", "")
        request_id = sent if _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex
        via = "console" if request.path_info.startswith("/admin") else "api"
        with origin.of(via=via, request_id=request_id, address=request.META.get("REMOTE_ADDR", "")):
            response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


class GoLiveMiddleware:
    """While go-live is disabled, every path outside the exempt ones is refused. Reads the state once a request."""

    def __init__(self, get_response: Handler) -> None:
        """Keep what comes next."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Handle one request; a state that cannot be read refuses it."""
        if classification.is_exempt(request.path_info):
            return self.get_response(request)
        try:
            reading = selectors.reading(clock.now())
        except Exception:  # noqa: BLE001 -- whatever kept the state from being read, the answer is no
            _log.exception("The go-live state cannot be read: %s is refused.", request.path_info)
            detail = "The control plane cannot read its state, so nothing may pass. See /health/ready."
            return refuse(request, 503, "GOVERNANCE_UNAVAILABLE", detail)
        if settings.GOVERNANCE_ENFORCED and not reading.go_live_enabled:
            detail = "Go-live is disabled: nothing runs in production until an operator enables it."
            return refuse(request, 403, "GO_LIVE_DISABLED", _with_reason(detail, reading.reason))
        request.governance = reading  # type: ignore[attr-defined]
        return self.get_response(request)


class ExecutionClassMiddleware:
    """While the kill switch is engaged, or a path's engine is held, what executes in production is refused."""

    def __init__(self, get_response: Handler) -> None:
        """Keep what comes next."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Handle one request, by the state that the middleware before has read."""
        reading: Reading | None = getattr(request, "governance", None)
        if reading is None:
            return self.get_response(request)
        kind = classification.kind_of(request.path_info, request.method or "")
        if kind.exec_class != PROD_EXEC:
            return self.get_response(request)
        if settings.GOVERNANCE_ENFORCED and reading.kill_switch_engaged:
            detail = "The kill switch is engaged: nothing that acts in production may run."
            return refuse(request, 403, "KILL_SWITCH_ENGAGED", _with_reason(detail, reading.reason))
        hold = reading.over(kind.engine) if kind.engine else None
        if hold is not None:
            return refuse(request, 403, "ENGINE_HELD", f"{kind.engine} is held ({hold.code}). {hold.reason}".strip())
        return self.get_response(request)


def refuse(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    """Return the gate's refusal: a page for a browser, a problem for a machine."""
    exec_class = classification.kind_of(request.path_info, request.method or "").exec_class
    if problems.for_machines(request):
        return problems.response(status, detail, code, exec_class=exec_class, path=request.path_info)
    told = {"status": status, "code": code, "detail": detail, "exec_class": exec_class, "path": request.path_info}
    return render(request, "blocked.html", told, status=status)


def _with_reason(detail: str, reason: str) -> str:
    return f"{detail} Reason: {reason}" if reason else detail
