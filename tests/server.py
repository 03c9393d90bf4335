"""The site as it runs in production: gunicorn in processes of its own, over a new database."""

from __future__ import annotations

import fcntl
import functools
import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from tests import forking
from tests.databases import new_database
from tests.forks import STANDARD, Fork
from valhalla.env import BASE_DIR


class Site(NamedTuple):
    """A site that is served: its address, the process id of gunicorn's arbiter, and the environment of both."""

    address: str
    arbiter: int
    environ: dict[str, str]


def seeded_database() -> str:
    """Return the URL of a new database, migrated and seeded: a copy of one that is made once a run."""
    return new_database(f"live_{uuid.uuid4().hex[:12]}", copy_of=template())


@functools.cache
def template() -> str:
    """Return the URL of what the first worker that needs it makes; the others wait for it."""
    made = Path(os.environ["VALHALLA_TEST_FOLDER"]) / "template"
    with made.with_suffix(".lock").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not made.exists():
            url = new_database("template")
            # The migrations leave the seeds.
            assert forking.start(["manage.py", "migrate", "-v0"], {**os.environ, "DATABASE_URL": url}).wait() == 0
            made.write_text(url)
    return made.read_text()


Begin = Callable[[socket.socket, dict[str, str]], Fork | subprocess.Popen[bytes]]
GUNICORN = ["-m", "gunicorn", "--log-level=warning"]


def started(listener: socket.socket, environ: dict[str, str]) -> Fork:
    """Start gunicorn on a socket that listens, in a fork of what has loaded the project, and return its arbiter."""
    return forking.start(GUNICORN, environ, *STANDARD, listener.fileno())


def launched(listener: socket.socket, environ: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start it as it is started in production, which takes longer."""
    bind = f"--bind=fd://{listener.fileno()}"
    return subprocess.Popen([sys.executable, *GUNICORN, bind], cwd=BASE_DIR, env=environ, pass_fds=[listener.fileno()])


@contextmanager
def serving(begin: Begin = started, **environment: str) -> Iterator[str]:
    """Serve a freshly migrated and seeded site, in the trial profile but for ``environment``; yield its address."""
    with site(begin, **environment) as served:
        yield served.address


@contextmanager
def site(begin: Begin = started, **environment: str) -> Iterator[Site]:
    """As ``serving``, with what a test needs to interfere; a database that ``environment`` names is seeded already."""
    environ = {**os.environ, **environment}
    if "DATABASE_URL" not in environment:
        environ["DATABASE_URL"] = seeded_database()
    # Gunicorn inherits a socket that listens already: no port can be lost in between, and a first request waits.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = begin(listener, environ)
    try:
        yield Site(f"http://127.0.0.1:{port}", process.pid, environ)
    finally:
        process.terminate()
        process.wait(timeout=30)
