"""The site and the scheduler side by side, as processes."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tests.server import seeded_database
from valhalla.env import BASE_DIR

pytestmark = pytest.mark.sqlite  # which is what ``make run`` serves; two processes start the same on both

Both = subprocess.Popen[str]


def _start(port: int) -> Both:
    environment = {**os.environ, "DATABASE_URL": seeded_database(), "PORT": str(port), "WEB_CONCURRENCY": "1"}
    command = [sys.executable, "-m", "valhalla.serve"]
    return subprocess.Popen(
        command, cwd=BASE_DIR, env=environment, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def _until(process: Both, *texts: str) -> str:
    """Read the log until it has shown every text, and return it."""
    assert process.stderr is not None
    log = ""
    while not all(text in log for text in texts):
        line = process.stderr.readline()
        assert line, f"ended without one of {texts}: {log}"
        log += line
    return log


@pytest.fixture
def started() -> Iterator[tuple[Both, str]]:
    """Start both, and return them with their log so far."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = _start(port)
    yield process, _until(process, "Booting worker", "Scheduling")
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _terminate(both: Both) -> None:
    both.terminate()


def _interrupt_as_a_terminal_does(both: Both) -> None:
    os.killpg(both.pid, signal.SIGINT)


@pytest.mark.parametrize("end", [_terminate, _interrupt_as_a_terminal_does])
def test_both_end_cleanly_at_a_signal(started: tuple[Both, str], end: Callable[[Both], None]) -> None:
    both, _log = started
    end(both)
    _until(both, "The scheduler has ended", "Shutting down: Master")
    assert both.wait(timeout=20) == 0


def test_when_one_ends_the_other_is_stopped_and_the_status_tells(started: tuple[Both, str]) -> None:
    both, log = started
    listens = re.search(r"Listening at: \S+ \((\d+)\)", log)
    assert listens
    os.kill(int(listens[1]), signal.SIGKILL)
    _until(both, "gunicorn has ended with status -9: stopping the other.", "The scheduler has ended")
    assert both.wait(timeout=20) == 1
