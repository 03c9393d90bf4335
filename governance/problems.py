"""Errors as RFC 9457 problem details: what is wrong, where, and what to do; never a stack trace."""

from __future__ import annotations

import http
import logging
from collections.abc import Mapping
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import set_rollback

from governance import attempts
from governance.changes import Refused
from governance.database import is_lock_timeout
from governance.errors import Conflict, Invalid, NotFound, Unavailable

MEDIA_TYPE = "application/problem+json"
_log = logging.getLogger(__name__)


class Problem(Response):
    """A problem inside of DRF: in its own media type for a machine, as a page where the browsable API shows it."""

    def __init__(self, told: Mapping[str, Any], headers: dict[str, str] | None = None) -> None:
        """Answer with the problem's own status."""
        super().__init__(told, status=told["status"], headers=headers)

    @property
    def rendered_content(self) -> Any:
        """Return the problem as the accepted renderer shows it."""
        if self.accepted_renderer.format == "json":
            self.content_type = MEDIA_TYPE
        return super().rendered_content


def body(status_code: int, detail: str, code: str, **more: Any) -> dict[str, Any]:
    """Return a problem's members."""
    title = http.HTTPStatus(status_code).phrase
    return {"type": "about:blank", "title": title, "status": status_code, "detail": detail, "code": code, **more}


def response(status_code: int, detail: str, code: str, **more: Any) -> JsonResponse:
    """Return a problem outside of DRF (the gate, an unknown path)."""
    return JsonResponse(body(status_code, detail, code, **more), status=status_code, content_type=MEDIA_TYPE)


def refused(refusal: Refused) -> Problem:
    """Return a refused change: 412 where a precondition is not met, else 409."""
    code = status.HTTP_412_PRECONDITION_FAILED if refusal.unmet else status.HTTP_409_CONFLICT
    return Problem(body(code, refusal.message, refusal.code, **refusal.details))


def handler(exception: Exception, context: Mapping[str, Any]) -> Problem | None:
    """Turn what a view raised into a problem (DRF's EXCEPTION_HANDLER); None leaves it to the server."""
    answer, headers = _problem(exception)
    if answer is None:
        return None
    set_rollback()
    request = context.get("request")
    # A form of another site is nobody's attempt: DRF takes the session's user away where the CSRF token is wrong.
    if answer["status"] == status.HTTP_403_FORBIDDEN and request and request.user.is_authenticated:
        attempts.refused(request._request, actor=request.user.get_username(), why=answer["detail"])
    return Problem(answer, headers)


def _problem(exception: Exception) -> tuple[dict[str, Any] | None, dict[str, str]]:  # noqa: PLR0911 -- one a kind
    if isinstance(exception, Invalid):
        return _invalid(exception.errors), {}
    if isinstance(exception, exceptions.ValidationError):
        return _invalid(_by_field(exception.detail)), {}
    if isinstance(exception, NotFound | Http404):
        return body(404, str(exception) or "There is nothing here.", "not_found"), {}
    if isinstance(exception, PermissionDenied):
        return body(403, str(exception) or "You may not do this.", "permission_denied"), {}
    if isinstance(exception, Conflict):
        return body(409, str(exception), exception.code), {}
    if isinstance(exception, Unavailable):
        return body(503, str(exception), "GOVERNANCE_UNAVAILABLE"), {"Retry-After": "1"}
    if isinstance(exception, OperationalError | InterfaceError):
        return _database(exception), {"Retry-After": "1"}
    if isinstance(exception, exceptions.APIException):
        return body(exception.status_code, str(exception.detail), _code(exception)), _headers(exception)
    return None, {}


def _database(exception: OperationalError | InterfaceError) -> dict[str, Any]:
    if is_lock_timeout(exception):
        return body(503, "The database was busy and nothing was changed: try again.", "busy")
    _log.error("The database does not answer: %s", exception)
    detail = "The database does not answer: try again, with the same idempotency key where there is one."
    return body(503, detail, "database_unavailable")


def _invalid(errors: Mapping[str, Any]) -> dict[str, Any]:
    named = ", ".join(name for name in errors if name != "non_field_errors")
    detail = f"The request is malformed: see {named}." if named else " ".join(*errors.values())
    return body(400, detail, "invalid", errors=errors)


def _by_field(detail: Any) -> dict[str, list[str]]:
    """Return DRF's nested error details as sentences by (dotted) field."""
    if not isinstance(detail, dict):
        return {"non_field_errors": [str(said) for said in (detail if isinstance(detail, list) else [detail])]}
    errors: dict[str, list[str]] = {}
    for name, told in detail.items():
        if isinstance(told, dict):
            errors.update({f"{name}.{inner}": said for inner, said in _by_field(told).items()})
        else:
            errors[str(name)] = [str(said) for said in (told if isinstance(told, list) else [told])]
    return errors


def _code(exception: exceptions.APIException) -> str:
    codes = exception.get_codes()
    return codes if isinstance(codes, str) else exception.default_code


def _headers(exception: exceptions.APIException) -> dict[str, str]:
    headers = {}
    challenge, wait = getattr(exception, "auth_header", None), getattr(exception, "wait", None)
    if challenge:
        headers["WWW-Authenticate"] = challenge
    if wait:
        headers["Retry-After"] = str(wait)
    return headers


def for_machines(request: HttpRequest) -> bool:
    """Say whether the caller is a machine: it did not ask for a page."""
    return "text/html" not in request.headers.get("Accept", "")
