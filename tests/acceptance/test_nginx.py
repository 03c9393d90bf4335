"""The configuration of docs/deployment.md in a real nginx, before a small service, with a real gate behind it."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.acceptance.asking import GOVERNANCE, ask, turn
from valhalla.env import BASE_DIR

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
CALLERS, BEFORE, AFTER = 8, 32, 8

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.xdist_group("live"),
    pytest.mark.skipif(NGINX is None, reason="no nginx: install nginx-light to run this test"),
]


class Service(http.server.ThreadingHTTPServer):
    """A service that knows no gate: it answers with what reached it."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        self.reached: list[tuple[float, str, str]] = []
        super().__init__(("127.0.0.1", 0), Handler)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Service)
        length = int(self.headers.get("Content-Length", 0))
        self.server.reached.append((time.monotonic(), self.command, self.path))
        told = {
            "path": self.path,
            "epoch": self.headers.get("X-Governance-Epoch"),
            "sent": self.rfile.read(length).decode(),
        }
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_line: object) -> None:
        """Say nothing."""


class Front(NamedTuple):
    """nginx's address, the gate behind it, and the service that it guards."""

    address: str
    gate: str
    service: Service


@pytest.fixture
def service() -> Iterator[Service]:
    with Service() as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
        made.shutdown()


@pytest.fixture
def front(tmp_path: Path, live_server_process: str, service: Service) -> Iterator[Front]:
    with _nginx(tmp_path, live_server_process, service.server_address[1]) as address:
        turn(live_server_process, "enable", override=True)
        turn(live_server_process, "kill-switch/release")
        yield Front(address, live_server_process, service)


@contextmanager
def _nginx(folder: Path, gate: str, service_port: int) -> Iterator[str]:
    """Run nginx with the documented configuration, its ports replaced; yield its address."""
    page = (BASE_DIR / "docs" / "deployment.md").read_text()
    (documented,) = re.findall(r"```nginx\n(.*?)```", page, re.DOTALL)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for written, real in {
        "listen 80;": f"listen 127.0.0.1:{port};",
        "127.0.0.1:8000": gate.removeprefix("http://"),
        "127.0.0.1:9000": f"127.0.0.1:{service_port}",
    }.items():
        assert documented.count(written) == 1
        documented = documented.replace(written, real)
    with running(folder, documented, port) as address:
        yield address


@contextmanager
def running(folder: Path, servers: str, port: int) -> Iterator[str]:
    """Run nginx in ``folder`` with ``servers``, which listen on ``port``; yield its address."""
    folders = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(
        f"{user} daemon off; pid {folder}/pid; error_log stderr crit; events {{}}"
        f" http {{ access_log off; {folders}\n{servers}}}"
    )
    process = subprocess.Popen([str(NGINX), "-p", str(folder), "-c", str(config)])
    try:
        _until_listening(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=30)


def _until_listening(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    pytest.fail("nginx does not listen")


def refused(front: Front, path: str, body: dict[str, str] | None = None) -> tuple[int, str]:
    """Return status and code of a request that must not reach the service."""
    before = len(front.service.reached)
    status, told = ask(front.address, path, body)
    assert len(front.service.reached) == before
    assert told["status"] == status
    return status, told["code"]


def test_the_gate_is_asked_for_every_request_and_opens_for_204_alone(front: Front) -> None:
    gate, held = front.gate, {"actor": "ops", "reason": "test"}
    epoch = ask(gate, f"{GOVERNANCE}/go-live/state")[1]["epoch"]

    # Live: it passes with its body and the gate's epoch, whatever the caller says of one.
    status, told = ask(front.address, "/api/deals?x=1", {"offer": "1"}, **{"X-Governance-Epoch": "999"})
    assert (status, told["path"], told["epoch"], told["sent"]) == (200, "/api/deals?x=1", str(epoch), '{"offer": "1"}')

    # None of the caller's headers speaks to the gate.
    spoofed = {"X-Original-URI": "/health", "X-Original-Method": "GET", "Authorization": "Bearer x", "Via": "x"}
    assert ask(front.address, "/api/deals", **spoofed)[0] == 200
    turn(gate, "kill-switch/engage")
    assert ask(front.address, "/api/deals", **spoofed)[0] == 403

    # Killed: production stops, by any spelling; what only reads, and the sandbox, goes on.
    for path in (
        "/api/deals",
        "/health/../api/deals",
        "/health/%2e%2e/api/deals",
        "//api/deals",
        "/health/..;/api/deals",
    ):
        assert refused(front, path) == (403, "KILL_SWITCH_ENGAGED"), path
    assert refused(front, "/orders", {"a": "b"}) == (403, "KILL_SWITCH_ENGAGED")
    assert ask(front.address, "/orders")[0] == 200
    assert ask(front.address, "/api/sandbox/x", {"a": "b"})[0] == 200
    turn(gate, "kill-switch/release")
    assert ask(front.address, "/api/deals")[1]["epoch"] == str(epoch + 2)

    # An engine held: its paths stop, and no others.
    assert ask(gate, f"{GOVERNANCE}/risk/policies/upsert", {"engine": "CAPITAL", "enabled": False, **held})[0] == 200
    assert refused(front, "/api/capital/1") == (403, "ENGINE_HELD")
    assert ask(front.address, "/api/deals")[0] == 200
    assert ask(gate, f"{GOVERNANCE}/risk/policies/upsert", {"engine": "CAPITAL", "enabled": True, **held})[0] == 200

    # Disabled: nothing passes but the exempt addresses.
    turn(gate, "disable")
    assert refused(front, "/orders") == (403, "GO_LIVE_DISABLED")
    assert ask(front.address, "/health")[0] == 200


def test_while_the_gate_is_down_nothing_passes_at_all(tmp_path: Path, service: Service) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        gate = f"http://127.0.0.1:{gone.getsockname()[1]}"
    with _nginx(tmp_path, gate, service.server_address[1]) as address:
        front = Front(address, gate, service)
        for path in ("/api/deals", "/orders", "/health"):
            assert refused(front, path) == (503, "GOVERNANCE_UNAVAILABLE")


def test_nothing_that_starts_after_a_kill_has_answered_reaches_the_service(front: Front) -> None:
    asked, stopped = threading.Semaphore(0), threading.Event()

    def call() -> list[tuple[float, int]]:
        seen, left = [], AFTER
        while left:
            left -= stopped.is_set()
            started = time.monotonic()
            seen.append((started, ask(front.address, "/api/deals")[0]))
            asked.release()
        return seen

    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [pool.submit(call) for _ in range(CALLERS)]
        for _ in range(BEFORE):
            asked.acquire(timeout=30)
        turn(front.gate, "kill-switch/engage")
        answered = time.monotonic()
        stopped.set()
        every = [request for caller in callers for request in caller.result()]
    assert sum(status == 200 for _started, status in every) >= BEFORE
    later = [status for started, status in every if started > answered]
    assert len(later) >= CALLERS * (AFTER - 1)
    assert set(later) == {403}
    assert sum(status == 200 for _started, status in every) == len(front.service.reached)
