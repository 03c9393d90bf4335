"""The site and the scheduler side by side, as processes."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.acceptance.asking import ask
from tests.server import seeded_database
from valhalla.env import BASE_DIR

pytestmark = pytest.mark.sqlite  # which is what ``make run`` serves; two processes start the same on both

Both = subprocess.Popen[str]


# A half that tells when it waits, and that it was asked to end: a line at a time, since two write to one log.
HALF = """
import os, signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.write(2, f"{sys.argv[1]} waits as {os.getpid()}\\n".encode())
signal.sigwait([signal.SIGTERM])
os.write(2, f"{sys.argv[1]} ends\\n".encode())
"""
WITH_STAND_INS = """
import sys
from valhalla import serve
serve.HALVES = {name: ["-c", sys.argv[1], name] for name in ("one", "other")}
sys.exit(serve.main())
"""


@contextlib.contextmanager
def _running(*command: str, **environment: str) -> Iterator[Both]:
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=BASE_DIR, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def _until(process: Both, *texts: str) -> str:
    """Read the log until it has shown every text, and return it."""
    assert process.stderr is not None
    log = ""
    while not all(text in log for text in texts):
        line = process.stderr.readline()
        assert line, f"ended without one of {texts}: {log}"
        log += line
    return log


def test_both_work_and_end_cleanly_when_a_terminal_interrupts_them() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = str(listener.getsockname()[1])
    site = {"DATABASE_URL": seeded_database(), "PORT": port, "WEB_CONCURRENCY": "1"}
    with _running("-m", "valhalla.serve", **site) as both:
        _until(both, "Booting worker", "Scheduling")
        assert ask(f"http://127.0.0.1:{port}", "/health/ready")[0] == 200
        os.killpg(both.pid, signal.SIGINT)
        _until(both, "The scheduler has ended", "Shutting down: Master")
        assert both.wait(timeout=20) == 0


@pytest.fixture
def stand_ins() -> Iterator[tuple[Both, str]]:
    """Run two that wait, and return what runs them with their log so far."""
    with _running("-c", WITH_STAND_INS, HALF) as both:
        yield both, _until(both, "one waits", "other waits")


def test_a_signal_ends_both(stand_ins: tuple[Both, str]) -> None:
    both, _log = stand_ins
    both.terminate()
    _until(both, "one ends", "other ends")
    assert both.wait(timeout=20) == 0


def test_when_one_ends_the_other_is_stopped_and_the_status_tells(stand_ins: tuple[Both, str]) -> None:
    both, log = stand_ins
    waiting = re.search(r"one waits as (\d+)", log)
    assert waiting
    os.kill(int(waiting[1]), signal.SIGKILL)
    _until(both, "one has ended with status -9: stopping the other.", "other ends")
    assert both.wait(timeout=20) == 1
