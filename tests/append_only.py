"""What a test must do to rows that nothing may change: empty the tables between tests, and tamper on purpose."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Model, QuerySet

from governance import appendonly


@contextmanager
def lifted() -> Iterator[None]:
    """Drop the guards inside the block, as whoever owns the database could, and put them back."""
    if connection.vendor == "postgresql":
        # Triggers do not fire for a session that replays what another server has decided; only a superuser may say so.
        _run("SET session_replication_role = replica")
        try:
            yield
        finally:
            _run("RESET session_replication_role")
        return
    guards = appendonly.guards()
    for guard in guards:
        guard.drop(connection)
    try:
        yield
    finally:
        for guard in guards:
            guard.install(connection)


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def raw(model: type[Model]) -> QuerySet[Any]:
    """Return the rows of ``model`` without what refuses to change them."""
    return QuerySet(model)
