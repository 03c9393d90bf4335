"""A database that is set up as docs/deployment.md says."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.core.management import call_command

from tests.databases import new_database
from tests.deploy.postgresql import FOLDER, as_role, connected, run


@pytest.fixture(scope="package")
def installed(django_db_blocker: Any) -> str:
    """Return its URL, as a superuser: with the roles, migrated by the owner, with the grants."""
    url = new_database(f"roles_{uuid.uuid4().hex[:12]}")
    # Roles are the whole server's, which the workers share; an advisory lock is one database's.
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as alone:
        alone.execute("SELECT pg_advisory_lock(7)")
        for _twice in range(2):
            run("psql", "-qv", "ON_ERROR_STOP=1", "-d", url, "-f", FOLDER / "roles.sql")
    owner = as_role(url, "valhalla_owner")
    with django_db_blocker.unblock(), connected(owner):
        call_command("migrate", verbosity=0)
        call_command("seed_governance")
    for _twice in range(2):
        run("psql", "-qv", "ON_ERROR_STOP=1", "-d", owner, "-f", FOLDER / "grants.sql")
    return url


@pytest.fixture
def database(installed: str, django_db_blocker: Any) -> Iterator[str]:
    """Return the same, and let the test ask it."""
    with django_db_blocker.unblock():
        yield installed
