"""How the site is served: a few processes with a few threads each, see BIND, PORT and WEB_CONCURRENCY in .env.example.

FORWARDED_ALLOW_IPS (gunicorn's own, default 127.0.0.1) names the proxies whose X-Forwarded-Proto is believed.
"""

from __future__ import annotations

from valhalla.env import Environment

_env = Environment.load()
_address = _env.matching("BIND", r"[A-Za-z0-9.:_\[\]-]+", "an address without a port", default="127.0.0.1")
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
# Two installations of one user would share the default path of the control socket.
control_socket_disable = True
