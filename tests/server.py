"""The site as it runs in production: gunicorn in processes of its own, over a new database."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from tests.databases import new_database
from valhalla.env import BASE_DIR


@contextmanager
def serving(**environment: str) -> Iterator[str]:
    """Serve a freshly migrated and seeded site, in the trial profile but for ``environment``; yield its address."""
    environ = {**os.environ, "DATABASE_URL": new_database(f"live_{uuid.uuid4().hex[:12]}"), **environment}
    for command in (["migrate"], ["seed_governance"]):
        subprocess.run([sys.executable, "manage.py", *command, "-v0"], cwd=BASE_DIR, env=environ, check=True)
    # Gunicorn inherits a socket that listens already: no port can be lost in between, and a first request waits.
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--log-level", "warning"],
            cwd=BASE_DIR,
            env=environ,
            pass_fds=[listener.fileno()],
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)
