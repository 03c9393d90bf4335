"""Odd requests to every operation of the OpenAPI document, by every role and a stranger, on a database with rows.

Nothing answers 500, and nothing answers what the document does not describe: the status, the media type and the shape,
closed, so that a member that no schema names is a failure too. ``make fuzz`` sends FUZZ_EXAMPLES odd requests to each
operation by each caller on both databases, and CI runs it with one. ``make test`` sends what the document itself shows,
by a superuser, to whom every operation answers, on one database: what sets callers apart is a table in the code, which
test_operations.py holds against every operation, and tests/test_odd_requests.py asks every address what is odd.
"""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from schemathesis.checks import (
    CheckFunction,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
)
from schemathesis.core import NotSet
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.transport import Response
from simplejson import dumps

from governance import roles
from governance.models import Seal
from riskguard import services as riskguard
from tests.access.factories import UserFactory, bearing, secret_of, stranger
from tests.rows import ROWS
from valhalla.documentation import MadeOnce

# One worker: it makes the strategies once.
pytestmark = [pytest.mark.usefixtures("closed"), pytest.mark.xdist_group("fuzz")]
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "0"))
CALLERS = ["superuser", "", *roles.ROLES] if EXAMPLES else [pytest.param("superuser", marks=pytest.mark.sqlite)]
ENGINES = ("WHOLESALE", "CAPITAL", "NOTIFY", "BUYER_MATCH", "0", "A")
CHECKS: list[CheckFunction] = [content_type_conformance, response_headers_conformance, response_schema_conformance]
# What any operation answers to a method, a media type, a size or a number of requests that it does not take.
NOTHING = NotSet()
BY_DEFAULT = {405, 406, 413, 415, 429}


@functools.cache
def document() -> dict[str, Any]:
    return copy.deepcopy(MadeOnce().get_schema(request=None, public=True))


@functools.cache
def described() -> Any:
    """Return the document with every shape closed, but for problems, which RFC 9457 lets carry more."""
    told = copy.deepcopy(document())
    for name, shape in told["components"]["schemas"].items():
        if "properties" in shape and name != "Problem":
            shape.setdefault("additionalProperties", False)
    return schemathesis.openapi.from_dict(told)


@functools.cache
def operations() -> list[tuple[Any, list[dict[str, Any]]]]:
    """Return every operation with its odd requests, which take longer to make than to send: each caller sends them."""
    found = [result.ok() for result in schemathesis.openapi.from_dict(document()).get_all_operations()]
    return [(operation, odd(operation) if EXAMPLES else []) for operation in found]


def odd(operation: Any) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []

    @profile(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operation.as_strategy())
    def draw(case: Any) -> None:
        made.append({"path": case.formatted_path, "query": case.query, "headers": case.headers, "body": case.body})

    draw()
    return made


def client_of(role: str) -> Any:
    if not role:
        return stranger()
    user = UserFactory.create(username=role, roles=[role], is_superuser=role == "superuser")
    return bearing(secret_of(user, *ENGINES))


def send(client: Any, method: str, path: str, query: Any = None, headers: Any = None, body: Any = NOTHING) -> Any:
    address = path + (f"?{urlencode(query, doseq=True)}" if query else "")
    named = {f"HTTP_{name.upper().replace('-', '_')}": str(value) for name, value in (headers or {}).items()}
    named.pop("HTTP_AUTHORIZATION", None)
    sent = "" if isinstance(body, NotSet) else dumps(body)
    return client.generic(method.upper(), address, sent, content_type="application/json", **named)


def wrong_with(operation: Any, answer: Any) -> list[str]:
    """Return what the document does not say about an answer of ``operation``."""
    told = operation.definition.raw["responses"]
    if str(answer.status_code) not in told and answer.status_code not in BY_DEFAULT:
        return [f"{answer.status_code} is not described"]
    request = requests.Request(operation.method.upper(), "http://testserver/").prepare()
    headers = {name: [value] for name, value in answer.headers.items()}
    seen = Response(answer.status_code, headers, answer.content, request, 0, verify=False)
    case = described()[operation.path][operation.method.upper()].Case(path_parameters={"id": "1"})
    try:
        case.validate_response(seen, checks=CHECKS)
    except FailureGroup as failures:
        return [f"{failure.title}: {failure.message}" for failure in failures.exceptions]
    except Failure as failure:
        return [f"{failure.title}: {failure.message}"]
    return []


def shown(operation: Any, rows: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Yield the requests that the document itself shows: of a row that is there, with each example of a body."""
    raw, path = operation.definition.raw, operation.path
    path = path.replace("{id}", str(next((pk for prefix, pk in rows.items() if path.startswith(prefix)), 1)))
    headers = {"X-Original-URI": "/api/deals"}
    content = raw.get("requestBody", {}).get("content", {}).get("application/json", {})
    bodies = [example["value"] for example in content.get("examples", {}).values()] or [{"reason": "r"}]
    own = {"reservation_id": rows["/api/governance/risk/reservations/"]}
    for body in bodies if operation.method == "post" else [NOTHING]:
        sent = body if body is NOTHING else {**body, **{name: own[name] for name in body if name in own}}
        yield {"path": path, "headers": headers, "body": sent}


@pytest.fixture
def rows(live: None) -> dict[str, int]:
    """Let there be a row of everything, and return the ids of those that addresses name."""
    reserved = riskguard.reserve(engine="WHOLESALE", amount=1, actor="bot").reservation
    assert reserved is not None
    missing = [model for model in ROWS if model is not Seal and not model._default_manager.exists()]
    made: dict[str, Any] = {model._meta.db_table: ROWS[model]() for model in missing}
    made["risk_reservation"] = reserved
    return {
        f"/api/governance/{prefix}/": made[table].pk
        for prefix, table in {
            "risk/reservations": "risk_reservation",
            "heimdall/recommendations": "heimdall_recommendation",
            "regression/incidents": "regression_incident",
            "changes": "change_request",
        }.items()
    }


@pytest.mark.parametrize("role", CALLERS)
def test_no_request_is_answered_by_what_the_document_does_not_describe(role: str, rows: dict[str, int]) -> None:
    client = client_of(role)
    failed: list[str] = []
    for operation, odd_requests in operations():
        for asked in [*shown(operation, rows), *odd_requests]:
            answer = send(client, operation.method, **asked)
            for said in wrong_with(operation, answer):
                failed.append(f"{operation.label} {asked}: {said}\n{answer.content[:300]!r}")
    assert failed == []


@pytest.mark.sqlite
def test_what_the_document_does_not_describe_is_noticed(rows: dict[str, int]) -> None:
    client = client_of("superuser")
    (holds,) = [operation for operation, _odd in operations() if operation.label == "GET /api/governance/holds"]
    answer = client.get("/api/governance/holds")
    assert wrong_with(holds, answer) == []
    told = answer.json()
    for odd in (
        {**told, "more": 1},
        {**told, "results": [{**told["results"][0], "secret": "x"}]},
        {**told, "results": [{**told["results"][0], "since": 5}]},
        {name: value for name, value in told.items() if name != "results"},
        [],
    ):
        answer.content = dumps(odd).encode()
        assert wrong_with(holds, answer), odd
    answer.content = dumps(told).encode()
    answer.headers["Content-Type"] = "text/html"
    assert wrong_with(holds, answer)
    answer.headers["Content-Type"] = "application/json"
    for status in (201, 302, 409, 418):
        answer.status_code = status
        assert wrong_with(holds, answer), status
