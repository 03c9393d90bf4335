"""Every operation of the OpenAPI document by every role and a stranger: allowed or refused, and no row unexpected."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.db import connection

from governance import roles
from tests.access.factories import UserFactory, bearing, secret_of, stranger
from valhalla.documentation import MadeOnce

# Roles are a table in the code, so one of the two runs is enough.
pytestmark = [pytest.mark.sqlite, pytest.mark.usefixtures("closed")]
OPEN_TO_ALL = {"/health", "/health/ready", "/openapi.json"}
WRITES = {"post", "put", "patch", "delete"}


@functools.cache
def operations() -> list[tuple[str, str]]:
    schema: dict[str, Any] = MadeOnce().get_schema(request=None, public=True)
    return [(method, path) for path, item in schema["paths"].items() for method in item if method in {"get", *WRITES}]


def right_of(method: str, path: str) -> str | None:
    """Return the right that CONTRACT asks for an operation, told here once more and not read from the code."""
    if path in OPEN_TO_ALL:
        return None
    if path == "/api/governance/gate":
        return roles.GATE
    if method == "get":
        audited = path.startswith(("/api/governance/audit", "/api/governance/trail"))
        return roles.AUDIT if audited else roles.READ
    if path.startswith("/api/governance/changes/"):
        verb = path.rsplit("/", 1)[1]
        return {"withdraw": roles.OPERATE, "break-glass": roles.BREAK_GLASS}.get(verb, roles.APPROVE)
    acting = (
        "risk/check-and-reserve", "risk/settle", "risk/release", "heimdall/sandbox", "heimdall/recommend",
        "regression/kpi", "regression/evaluate", "/api/deals",
    )  # fmt: skip
    return roles.ACT if any(part in path for part in acting) else roles.OPERATE


def counts() -> dict[str, int]:
    """Return the number of rows of every table, by one question: it is asked before and after each operation."""
    names = [model._meta.db_table for model in apps.get_models()]
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f'(SELECT COUNT(*) FROM "{name}")' for name in names))  # noqa: S608 -- ours
        return dict(zip(names, cursor.fetchone(), strict=True))


def ask(client: Any, method: str, path: str) -> Any:
    address = path.replace("{id}", "1").replace("{key}", "x")
    return getattr(client, method)(
        address, *([{}] if method in WRITES else []), headers={"x-original-uri": "/health"} if "gate" in path else {}
    )


@pytest.mark.parametrize("role", ["", *roles.ROLES])
def test_every_operation_is_allowed_or_refused_by_the_one_table(role: str, live: None, settings: LazySettings) -> None:
    listed = operations()
    assert len(listed) > 40
    client = bearing(secret_of(UserFactory.create(roles=[role]))) if role else stranger()
    wrong = []
    for method, path in listed:
        right = right_of(method, path)
        before = counts()
        answer = ask(client, method, path)
        allowed = right is None or (bool(role) and right in roles.ROLES[role])
        refused = answer.status_code in {401, 403}
        engine_bound = answer.status_code == 403 and b"This token acts for" in answer.content
        if refused == allowed and not (allowed and engine_bound):
            wrong.append(f"{method} {path}: {answer.status_code}")
        if refused and answer.status_code != (403 if role else 401):
            wrong.append(f"{method} {path}: {answer.status_code} instead of {403 if role else 401}")
        # The attempt of who is known is in the trail, once; a stranger's is not, and nothing else is written.
        told = {"audit_event": before["audit_event"] + bool(role)}
        if refused and counts() != {**before, **told}:
            wrong.append(f"{method} {path}: wrote {counts()}")
        if answer.status_code >= 500:
            wrong.append(f"{method} {path}: {answer.status_code}")
    assert wrong == []
