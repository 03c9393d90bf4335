"""How the site is served: a few processes with a few threads each, see BIND, PORT and WEB_CONCURRENCY in .env.example.

FORWARDED_ALLOW_IPS (gunicorn's own, default 127.0.0.1) names the proxies whose X-Forwarded-Proto is believed.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from gunicorn import glogging

from valhalla import logs
from valhalla.env import Environment

# Processes count for /metrics in files of one folder. prometheus_client reads the variable when it is imported, which
# is when the application is; a reload reads this file again, and goes on in the same folder.
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="valhalla-metrics-")
_counts = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])

_env = Environment.load()
_address = _env.matching("BIND", r"[A-Za-z0-9.:_\[\]-]+", "an address without a port", default="127.0.0.1")
_lines = logs.formatter(_env.choice("LOG_FORMAT", logs.FORMS, default="json"))
_port = _env.integer("PORT", default=8000, minimum=1, maximum=65535)

bind = f"{_address}:{_port}"
wsgi_app = "valhalla.wsgi"
worker_class = "gthread"
workers = _env.integer("WEB_CONCURRENCY", default=2, minimum=1, maximum=64)
threads = 4
# A worker whose own loop stands still for so long is replaced. It does not see a request that waits in one of its
# threads: waits for the database end by themselves, see _database in valhalla/settings.py.
timeout = 30
graceful_timeout = 25
# Longer than proxies and engines keep an idle line, so that they, and not this side, close it between two calls.
keepalive = 75


class Logger(glogging.Logger):
    """gunicorn's own lines, in the form of the site's."""

    def setup(self, cfg: Any) -> None:
        """Let gunicorn set its handlers up, and write in our form."""
        super().setup(cfg)
        for handler in self.error_log.handlers:
            handler.setFormatter(_lines)


logger_class = Logger
# Two installations of one user would share the default path of the control socket.
control_socket_disable = True


def on_starting(_server: Any) -> None:
    """Begin to count anew: what another run has left would be added to what this one counts."""
    _counts.mkdir(parents=True, exist_ok=True)
    for left in _counts.glob("*.db"):
        left.unlink()


def child_exit(_server: Any, worker: Any) -> None:
    """Forget the gauges of a worker that is gone; what it has counted stays."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 -- the folder must be known first

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # it brings no types


def on_exit(_server: Any) -> None:
    """Remove the folder."""
    shutil.rmtree(_counts, ignore_errors=True)
