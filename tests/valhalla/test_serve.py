"""The site and the scheduler side by side, as processes."""

from __future__ import annotations

import contextlib
import os
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
def both() -> Iterator[Both]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    process = _start(port)
    _until(process, "Booting worker", "Scheduling")
    yield process
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _terminate(both: Both) -> None:
    both.terminate()


def _interrupt_as_a_terminal_does(both: Both) -> None:
    os.killpg(both.pid, signal.SIGINT)


@pytest.mark.parametrize("end", [_terminate, _interrupt_as_a_terminal_does])
def test_both_end_cleanly_at_a_signal(both: Both, end: Callable[[Both], None]) -> None:
    end(both)
    _until(both, "The scheduler has ended", "Shutting down: Master")
    assert both.wait(timeout=20) == 0


def test_when_one_ends_the_other_is_stopped_and_the_status_tells() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = _start(listener.getsockname()[1])
        _output, log = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "gunicorn has ended with status 1: stopping the other." in log
