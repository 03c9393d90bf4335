"""The request's id, and the gate before every address."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from golive.selectors import Reading
from governance import addresses, metrics, origin, problems
from valhalla import classification, gate
from valhalla.gate import UNAVAILABLE, Refusal

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
        via = "console" if request.path_info.startswith("/admin/") else "api"
        request.request_id = request_id  # type: ignore[attr-defined]  # for the log, once the origin is closed
        with origin.of(via=via, request_id=request_id, address=addresses.client(request)):
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
        reading = gate.read()
        if isinstance(reading, Refusal):
            return _refused(request, reading)
        refusal = gate.while_disabled(reading)
        if refusal is not None:
            return _refused(request, refusal)
        request.governance = reading  # type: ignore[attr-defined]
        return self.get_response(request)


class ExecutionClassMiddleware:
    """While the kill switch is engaged, or everything or the path's engine is held, production is refused."""

    def __init__(self, get_response: Handler) -> None:
        """Keep what comes next."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Handle one request, by the state that the middleware before has read."""
        if classification.is_exempt(request.path_info):
            return self.get_response(request)
        # Without the middleware before there is no reading, and this raises: a gate that is half there is closed.
        reading: Reading = request.governance  # type: ignore[attr-defined]
        refusal = gate.while_held(reading, classification.kind_of(request.path_info, request.method or ""))
        if refusal is not None:
            return _refused(request, refusal)
        metrics.gated(metrics.ADMITTED)
        return self.get_response(request)


def _refused(request: HttpRequest, refusal: Refusal) -> HttpResponse:
    """Return the gate's refusal: a page for a browser, a problem for a machine."""
    metrics.gated(refusal.code)
    exec_class = classification.kind_of(request.path_info, request.method or "").exec_class
    told = {"exec_class": exec_class, "path": request.path_info}
    answer: HttpResponse
    if problems.for_machines(request):
        answer = problems.response(refusal.status, refusal.detail, refusal.code, **told)
    else:
        answer = render(request, "blocked.html", {**refusal._asdict(), **told}, status=refusal.status)
    # What is refused now may pass in a second: no cache keeps it, nor gives a page to a machine.
    answer["Cache-Control"], answer["Vary"] = "no-store", "Accept"
    if refusal.status == UNAVAILABLE:
        answer["Retry-After"] = "1"
    return answer
