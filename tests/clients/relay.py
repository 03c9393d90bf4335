"""A line to the site that can be cut: before a call reaches it, or after, when its answer is on the way."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

BEFORE, AFTER = "before", "after"


class Relay:
    """Passes calls on, and does to the next ones what ``next`` says: cut BEFORE or AFTER, or a (status, body) of ours.

    ``passed`` holds what has reached the site: path, body and idempotency key.
    """

    def __init__(self, site: str) -> None:
        self.site = site
        self.address = ""
        self.next: list[Any] = []
        self.passed: list[tuple[str, dict[str, Any], str]] = []
        self.down = False
        self._lock = threading.Lock()

    def fate(self) -> Any:
        with self._lock:
            return BEFORE if self.down else self.next.pop(0) if self.next else None

    def pass_on(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, str]:
        connection = http.client.HTTPConnection(urlsplit(self.site).netloc, timeout=30)
        try:
            connection.request("POST", path, body, headers)
            answer = connection.getresponse()
            told = answer.status, answer.read(), answer.headers["Content-Type"]
        finally:
            connection.close()
        with self._lock:
            self.passed.append((path, json.loads(body), headers.get("Idempotency-Key", "")))
        return told


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    relay: Relay

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fate = self.relay.fate()
        if fate == BEFORE:
            self.close_connection = True
            return
        if isinstance(fate, tuple):
            status, told = fate
            kind, content = "application/problem+json", told if isinstance(told, bytes) else json.dumps(told).encode()
        else:
            kept = ("Content-Type", "Idempotency-Key", "Authorization")
            headers = {name: self.headers[name] for name in kept if name in self.headers}
            status, content, kind = self.relay.pass_on(self.path, body, headers)
        if fate == AFTER:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_what: Any) -> None:
        pass


@contextmanager
def relaying(site: str) -> Iterator[Relay]:
    """Open a relay to ``site``."""
    relay = Relay(site)
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"relay": relay})) as server:
        server.daemon_threads = True
        relay.address = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield relay
        finally:
            server.shutdown()
            thread.join()
