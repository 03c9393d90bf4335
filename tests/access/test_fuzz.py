"""Odd requests to every operation of the OpenAPI document, by every role and a stranger: nothing answers 500.

``make test`` sends a few; ``make fuzz`` sends FUZZ_EXAMPLES to each operation by each caller.
"""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import urlencode

import pytest
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given
from hypothesis import settings as profile
from schemathesis.core import NotSet
from simplejson import dumps

from governance import roles
from tests.access.factories import UserFactory, bearing, secret_of, stranger

pytestmark = pytest.mark.usefixtures("closed")
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "1"))
ENGINES = ("WHOLESALE", "CAPITAL", "NOTIFY", "BUYER_MATCH", "0", "A")


def client_of(role: str) -> Any:
    if not role:
        return stranger()
    user = UserFactory.create(username=role, roles=[role], is_superuser=role == "superuser")
    return bearing(secret_of(user, *ENGINES))


def send(client: Any, case: Any) -> Any:
    path = case.formatted_path + (f"?{urlencode(case.query, doseq=True)}" if case.query else "")
    named = {f"HTTP_{name.upper().replace('-', '_')}": str(value) for name, value in (case.headers or {}).items()}
    named.pop("HTTP_AUTHORIZATION", None)
    body = "" if isinstance(case.body, NotSet) else dumps(case.body)
    return client.generic(case.method.upper(), path, body, content_type="application/json", **named)


@pytest.mark.parametrize("role", ["superuser", *roles.ROLES, ""])
def test_no_request_is_answered_by_a_500(role: str, live: None) -> None:
    document: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    client = client_of(role)
    failed = []

    def fuzz(operation: Any) -> None:
        @profile(
            max_examples=EXAMPLES, deadline=None, database=None, derandomize=EXAMPLES == 1,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def run(case: Any) -> None:
            answer = send(client, case)
            if answer.status_code >= 500:
                failed.append(f"{case.method} {case.formatted_path} {case.query} {case.body!r}: {answer.content!r}")

        run()

    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        fuzz(found.ok())
    assert failed == []
