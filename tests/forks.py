"""The caller's half of tests/forking.py, which needs no more than Python itself and so begins at once."""

from __future__ import annotations

import array
import json
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from typing import Self

STANDARD = (0, 1, 2)


class Fork:
    """``python ARGUMENTS`` in a fork: it is told to end, and tells how it ended, as one of subprocess's does."""

    def __init__(
        self, place: str, arguments: Sequence[str], environ: Mapping[str, str], folder: str, *files: int
    ) -> None:
        """Start it in ``folder`` with three streams, and with sockets that gunicorn is told to listen on."""
        self.returncode: int | None = None
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(place)
        told = json.dumps([list(arguments), dict(environ), folder]).encode()
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", files or STANDARD))]
        self._line.sendmsg([len(told).to_bytes(4, "big")], rights)
        self._line.sendall(told)
        self.pid = int.from_bytes(self._line.recv(4), "big")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.wait()

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended, once it has: its line is closed then."""
        if self.returncode is None:
            self._line.settimeout(timeout)
            status = b"".join(iter(lambda: self._line.recv(1), b""))
            self._line.close()
            self.returncode = status[0] if status else -signal.SIGKILL
        return self.returncode

    def terminate(self) -> None:
        """Ask it to end."""
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)
