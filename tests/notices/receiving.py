"""A receiver of webhooks, which keeps what it is sent."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Letter(NamedTuple):
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    def read(self) -> dict[str, Any]:
        """Return the payload."""
        payload: dict[str, Any] = json.loads(self.body)
        return payload


class Receiver:
    """What came in, and what is answered: ``status``, after ``pause`` seconds, with ``more`` headers."""

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.status, self.more, self.drip = 204, {}, False
        self.pause: Callable[[], float] = lambda: 0.0
        self.port = 0
        self._changed = threading.Condition()

    def address(self, host: str = "127.0.0.1", path: str = "/hook") -> str:
        """Return where it listens."""
        return f"http://{host}:{self.port}{path}"

    def ids(self) -> list[str]:
        """Return the ids of what came in, in order."""
        with self._changed:
            return [letter.id for letter in self.letters]

    def take(self, letter: Letter) -> None:
        """Keep a letter."""
        with self._changed:
            self.letters.append(letter)
            self._changed.notify_all()

    def wait_for(self, number: int, seconds: float) -> bool:
        """Return once so many letters are there, or False once the time is over."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.letters) >= number, seconds)


@contextmanager
def receiving() -> Iterator[Receiver]:
    """Receive on a port of this machine inside the block."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.take(Letter(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            time.sleep(receiver.pause())
            if receiver.drip:
                self._drip()
                return
            self.send_response(receiver.status)
            for name, value in receiver.more.items():
                self.send_header(name, value)
            self.end_headers()

        def _drip(self) -> None:
            """Answer a byte now and then, and never end."""
            try:
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                while True:
                    self.wfile.write(b"a")
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                return

        def log_message(self, *_args: Any) -> None:
            """Say nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_args: Any) -> None:
            """Say nothing of callers that were killed."""

    with Server(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
