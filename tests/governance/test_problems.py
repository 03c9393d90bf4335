from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from django.test import RequestFactory
from rest_framework import exceptions
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from governance import problems
from governance.changes import Refused
from governance.errors import Conflict, Invalid, NotFound, Unavailable
from governance.rendering import JSONRenderer
from tests.riskguard.asking import PROBLEM

pytestmark = pytest.mark.sqlite  # no database is asked


def _wrapped(cause: Exception) -> OperationalError:
    error = OperationalError("the wait ended")
    error.__cause__ = cause
    return error


def _authentication_failed() -> exceptions.AuthenticationFailed:
    error = exceptions.AuthenticationFailed()
    error.auth_header = "Bearer"  # type: ignore[attr-defined]  # as DRF sets it
    return error


def _answer(error: Exception) -> Any:
    answer = problems.handler(error, {})
    assert answer is not None
    answer.accepted_renderer, answer.accepted_media_type = JSONRenderer(), "application/json"
    answer.renderer_context = {}
    return answer.render()


@pytest.mark.parametrize(
    ("error", "status", "code", "detail"),
    [
        (Invalid({"amount": ["Is odd."]}), 400, "invalid", "The request is malformed: see amount."),
        (Invalid({"non_field_errors": ["A.", "B."]}), 400, "invalid", "A. B."),
        (exceptions.ValidationError({"a": ["Is odd."]}), 400, "invalid", "The request is malformed: see a."),
        (exceptions.ValidationError("Is odd."), 400, "invalid", "Is odd."),
        (exceptions.ParseError("No JSON."), 400, "parse_error", "No JSON."),
        (exceptions.NotAuthenticated(), 401, "not_authenticated", "Authentication credentials were not provided."),
        (exceptions.PermissionDenied("No."), 403, "permission_denied", "No."),
        (PermissionDenied("No."), 403, "permission_denied", "No."),
        (PermissionDenied(), 403, "permission_denied", "You may not do this."),
        (NotFound("There is no row 7."), 404, "not_found", "There is no row 7."),
        (Http404(), 404, "not_found", "There is nothing here."),
        (exceptions.NotFound(), 404, "not_found", "Not found."),
        (exceptions.MethodNotAllowed("PUT"), 405, "method_not_allowed", 'Method "PUT" not allowed.'),
        (exceptions.NotAcceptable(), 406, "not_acceptable", "Could not satisfy the request Accept header."),
        (Conflict("already_settled", "It is settled."), 409, "already_settled", "It is settled."),
        (exceptions.UnsupportedMediaType("x/y"), 415, "unsupported_media_type", 'Unsupported media type "x/y"'),
        (exceptions.Throttled(wait=4.2), 429, "throttled", "Request was throttled. Expected available in 5 seconds."),
        (Unavailable("The row is missing."), 503, "GOVERNANCE_UNAVAILABLE", "The row is missing."),
        (_wrapped(psycopg.errors.LockNotAvailable()), 503, "busy", "The database was busy"),
        (_wrapped(psycopg.errors.DeadlockDetected()), 503, "busy", "The database was busy"),
        (OperationalError("database is locked"), 503, "busy", "The database was busy"),
        (OperationalError("database table is locked: x"), 503, "busy", "The database was busy"),
        (OperationalError("connection refused"), 503, "database_unavailable", "The database does not answer"),
        (_wrapped(psycopg.errors.AdminShutdown()), 503, "database_unavailable", "The database does not answer"),
        (InterfaceError("connection already closed"), 503, "database_unavailable", "The database does not answer"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)  # fmt: skip
def test_an_exception_becomes_a_problem(error: Exception, status: int, code: str, detail: str) -> None:
    answer = _answer(error)
    told = json.loads(answer.content)
    assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM)
    assert (told["type"], told["status"], told["code"]) == ("about:blank", status, code)
    assert told["title"]
    assert told["detail"].startswith(detail)


@pytest.mark.parametrize("error", [RuntimeError("secret"), IntegrityError("secret"), SuspiciousOperation("secret")])
def test_what_is_no_callers_fault_is_left_to_the_server(error: Exception) -> None:
    assert problems.handler(error, {}) is None


@pytest.mark.parametrize(
    ("error", "header", "value"),
    [
        (_authentication_failed(), "WWW-Authenticate", "Bearer"),
        (exceptions.Throttled(wait=4.2), "Retry-After", "5"),
        (Unavailable("gone"), "Retry-After", "1"),
        (OperationalError("gone"), "Retry-After", "1"),
    ],
    ids=["401", "429", "503", "database"],
)
def test_a_problem_says_by_header_what_to_do_next(error: Exception, header: str, value: str) -> None:
    assert _answer(error)[header] == value


def test_nested_errors_are_told_by_dotted_field() -> None:
    error = exceptions.ValidationError(
        {"offer": {"price": ["Is odd."], "terms": {"days": ["Is odd too."]}}, "a": exceptions.ErrorDetail("Alone.")}
    )
    assert json.loads(_answer(error).content)["errors"] == {
        "offer.price": ["Is odd."], "offer.terms.days": ["Is odd too."], "a": ["Alone."],
    }  # fmt: skip


@pytest.mark.parametrize(("unmet", "status"), [(True, 412), (False, 409)])
def test_a_refused_change_is_a_412_for_a_precondition_and_else_a_409(unmet: bool, status: int) -> None:
    answer = problems.refused(Refused("no", "It cannot be.", {"checklist": {"ok": False}}, unmet=unmet))
    assert answer.status_code == status
    assert answer.data["checklist"] == {"ok": False}
    assert (answer.data["code"], answer.data["detail"]) == ("no", "It cannot be.")


def test_outside_of_the_api_a_problem_is_the_same() -> None:
    answer = problems.response(403, "No.", "ENGINE_HELD", path="/api/deals")
    assert answer["Content-Type"] == PROBLEM
    assert json.loads(answer.content) == {
        "type": "about:blank", "title": "Forbidden", "status": 403, "detail": "No.", "code": "ENGINE_HELD",
        "path": "/api/deals",
    }  # fmt: skip


def test_a_browser_is_shown_the_problem_as_a_page() -> None:
    class Lost(APIView):
        renderer_classes = (JSONRenderer, BrowsableAPIRenderer)
        permission_classes = ()

        def get(self, request: Any) -> Any:
            raise Http404("Lost.")

    def ask(accept: str) -> Any:
        return Lost.as_view()(APIRequestFactory().get("/", headers={"accept": accept})).render()

    assert ask("text/html")["Content-Type"] == "text/html; charset=utf-8"
    assert ask("application/json")["Content-Type"] == PROBLEM


@pytest.mark.parametrize(
    ("accept", "machine"),
    [("*/*", True), ("application/json", True), ("", True), ("text/html,application/xhtml+xml,*/*;q=0.8", False)],
)
def test_whoever_does_not_ask_for_a_page_is_a_machine(accept: str, machine: bool) -> None:
    assert problems.for_machines(RequestFactory().get("/", headers={"accept": accept})) is machine
