"""The site as it runs in production: gunicorn in processes of its own, over a new database."""

from __future__ import annotations

import fcntl
import functools
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests.databases import new_database
from valhalla.env import BASE_DIR


class Site(NamedTuple):
    """A site that is served: its address, the process id of gunicorn's arbiter, and the environment of both."""

    address: str
    arbiter: int
    environ: dict[str, str]

    def manage(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the site's ``manage.py`` and return how it ended."""
        return subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=BASE_DIR, env=self.environ, check=False, capture_output=True, text=True,
        )  # fmt: skip


def seeded_database() -> str:
    """Return the URL of a new database, migrated and seeded: a copy of one that is made once a run."""
    return new_database(f"live_{uuid.uuid4().hex[:12]}", copy_of=_template())


@functools.cache
def _template() -> str:
    """Return the URL of what the first worker that needs it makes; the others wait for it."""
    made = Path(os.environ["VALHALLA_TEST_FOLDER"]) / "template"
    with made.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not made.exists():
            url = new_database("template")
            # The migrations leave the seeds.
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "-v0"],
                cwd=BASE_DIR, env={**os.environ, "DATABASE_URL": url}, check=True,
            )  # fmt: skip
            made.write_text(url)
    return made.read_text()


@contextmanager
def serving(**environment: str) -> Iterator[str]:
    """Serve a freshly migrated and seeded site, in the trial profile but for ``environment``; yield its address."""
    with site(**environment) as served:
        yield served.address


@contextmanager
def site(**environment: str) -> Iterator[Site]:
    """As ``serving``, with what a test needs to interfere; a database that ``environment`` names is seeded already."""
    environ = {**os.environ, **environment}
    if "DATABASE_URL" not in environment:
        environ["DATABASE_URL"] = seeded_database()
    # Gunicorn inherits a socket that listens already: no port can be lost in between, and a first request waits.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = started(listener, environ)
    try:
        yield Site(f"http://127.0.0.1:{port}", process.pid, environ)
    finally:
        process.terminate()
        process.wait(timeout=30)


def started(listener: socket.socket, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start gunicorn on a socket that listens, and return its arbiter."""
    return subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--log-level", "warning"],
        cwd=BASE_DIR,
        env=environ,
        pass_fds=[listener.fileno()],
    )
