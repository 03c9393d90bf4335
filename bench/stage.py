"""What is measured on: a PostgreSQL that waits for the disk, and gunicorn as it runs in production."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

import django
import psutil
import psycopg
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from tests.cluster import Cluster
from valhalla.env import BASE_DIR

WORKERS = 2
ENGINE, METRIC, ACCOUNT = "WHOLESALE", "contract_rate", "bench"
ENVIRONMENT = {
    "VALHALLA_ENV_FILE": "",
    "DJANGO_SETTINGS_MODULE": "bench.settings",
    "ENV": "production",
    "API_AUTH": "token",
    "FOUR_EYES": "0",
    "HTTPS": "0",
    "STATIC_FILES": "source",
    "SECRET_KEY": "a-key-for-the-bench-alone-0123456789-abcdefghijklmnopqrstuvwxyz",
    "WEB_CONCURRENCY": str(WORKERS),
    "WRITES_PER_MINUTE": "10000000",
}


class Served(NamedTuple):
    """A server under test: where it is, and gunicorn's arbiter."""

    address: str
    arbiter: psutil.Process

    def cpu_seconds(self) -> float:
        """Return the processor time that its workers have taken."""
        return _cpu_seconds(self.arbiter.children())


class Stage:
    """A server with a seeded database in which production runs, and copies of it of other sizes."""

    def __init__(self, folder: Path) -> None:
        """Start PostgreSQL, set Django up on it in this process, migrate and seed."""
        self.cluster = Cluster(folder)
        os.environ.update(ENVIRONMENT, DATABASE_URL=self.cluster.url)
        django.setup()
        call_command("migrate", run_syncdb=True, verbosity=0)
        call_command("seed_governance", verbosity=0)
        self._let_everything_run()
        self.token = self._issued_token()

    def _let_everything_run(self) -> None:
        from golive import services as switches  # noqa: PLC0415 -- Django is set up by now, and not before
        from regression import services as tripwires  # noqa: PLC0415
        from riskguard import services as risk  # noqa: PLC0415
        from riskguard.rules import CAPS, GLOBAL  # noqa: PLC0415

        switches.enable(actor=ACCOUNT, reason="bench", override=True)
        for engine in (GLOBAL, ENGINE):
            risk.set_policy(engine=engine, patch={**dict.fromkeys(CAPS), "enabled": True}, actor=ACCOUNT)
        tripwires.set_policy(domain=ENGINE, metric=METRIC, patch={"enabled": True}, actor=ACCOUNT)

    def cpu_seconds(self) -> float:
        """Return the processor time that the database's processes have taken."""
        return _cpu_seconds(self.cluster.processes())

    def _issued_token(self) -> str:
        printed = StringIO()
        quiet: dict[str, Any] = {"actor": ACCOUNT, "reason": "bench", "stdout": StringIO(), "stderr": StringIO()}
        call_command("create_account", ACCOUNT, without_password=True, **quiet)
        call_command("set_account", ACCOUNT, give=["engine"], **quiet)
        call_command("issue_token", ACCOUNT, engine=[ENGINE], **{**quiet, "stdout": printed})
        return printed.getvalue().strip()

    def copy(self, name: str) -> None:
        """Make a copy of the database as it stands."""
        connection.close()
        with psycopg.connect(self.url("template1"), autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE postgres").format(sql.Identifier(name)))

    @contextmanager
    def on(self, name: str) -> Iterator[None]:
        """Let this process's Django speak to a copy inside the block."""
        settings, before = connection.settings_dict, connection.settings_dict["NAME"]
        connection.close()
        settings["NAME"] = name
        try:
            yield
        finally:
            connection.close()
            settings["NAME"] = before

    @contextmanager
    def serving(self, **environment: str) -> Iterator[Served]:
        """Serve the database by gunicorn, 2 workers of 4 threads."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}", "--log-level", "error"],
                cwd=BASE_DIR, env={**os.environ, **environment}, pass_fds=[listener.fileno()],
                stderr=(self.cluster.data.parent / "gunicorn.log").open("ab"),
            )  # fmt: skip
            served = Served(f"http://127.0.0.1:{listener.getsockname()[1]}", psutil.Process(process.pid))
        try:
            # The socket listens already, and a first answer waits for a worker.
            urlopen(f"{served.address}/health", timeout=60).close()  # noqa: S310 -- our own server
            yield served
        finally:
            process.terminate()
            process.wait(timeout=30)

    def url(self, name: str) -> str:
        """Return the URL of a database of the cluster."""
        return self.cluster.url.replace("/postgres?", f"/{name}?")


def _cpu_seconds(processes: list[psutil.Process]) -> float:
    taken = 0.0
    for process in processes:
        times = process.cpu_times()
        taken += times.user + times.system
    return taken
