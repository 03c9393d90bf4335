"""deploy/nginx: the site behind a real nginx that ends TLS."""

from __future__ import annotations

import http.client
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.test_nginx import NGINX, running
from tests.server import site
from valhalla.env import BASE_DIR

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.skipif(NGINX is None, reason="no nginx: install nginx-light to run this test"),
    pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl: install it to run this test"),
]
NAME = "valhalla.example"


def _free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    return port


@pytest.fixture
def ports(tmp_path: Path) -> Iterator[tuple[int, int]]:
    """Serve the site in its strict profile behind the configuration; return the ports of HTTP and HTTPS."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
         "-keyout", tmp_path / "privkey.pem", "-out", tmp_path / "fullchain.pem", "-subj", f"/CN={NAME}",
         "-addext", f"subjectAltName=DNS:{NAME}"],
        check=True, capture_output=True,
    )  # fmt: skip
    plain, secure = _free(), _free()
    strict = {"HTTPS": "1", "API_AUTH": "token", "FOUR_EYES": "1", "ALLOWED_HOSTS": NAME, "WEB_CONCURRENCY": "1"}
    with site(**strict) as served:
        text = (BASE_DIR / "deploy" / "nginx" / "valhalla.conf").read_text()
        for written, real in {
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "listen 443 ssl;": f"listen 127.0.0.1:{secure} ssl;",
            "127.0.0.1:8000;": f"{served.address.removeprefix('http://')};",
            "/etc/valhalla/tls": str(tmp_path),
        }.items():
            assert written in text
            text = text.replace(written, real)
        with running(tmp_path, text, secure):
            yield plain, secure


def test_it_is_reached_by_https_alone_and_knows_it(ports: tuple[int, int], tmp_path: Path) -> None:
    plain, secure = ports
    line: http.client.HTTPConnection = http.client.HTTPConnection("127.0.0.1", plain, timeout=30)
    line.request("GET", "/docs?x=1", headers={"Host": NAME})
    answer = line.getresponse()
    assert (answer.status, answer.headers["Location"]) == (301, f"https://{NAME}/docs?x=1")
    line.close()

    trusted = ssl.create_default_context(cafile=str(tmp_path / "fullchain.pem"))
    with (
        socket.create_connection(("127.0.0.1", secure), timeout=30) as raw,
        trusted.wrap_socket(raw, server_hostname=NAME) as sealed,
    ):
        line = http.client.HTTPConnection(NAME)
        line.sock = sealed
        # Over one line. No caller passes itself off as one of plain HTTP, or of this machine.
        for path, status in (("/health/ready", 200), ("/api/governance/go-live/state", 401), ("/admin/login/", 200)):
            told = {"X-Forwarded-Proto": "http", "X-Forwarded-For": "127.0.0.1", "X-Request-ID": "trace-0123"}
            line.request("GET", path, headers=told)
            answer = line.getresponse()
            body = answer.read()
            assert (answer.status, answer.headers["X-Request-ID"]) == (status, "trace-0123"), body
            assert re.match(r"max-age=\d{8}", answer.headers["Strict-Transport-Security"])
        assert "Secure" in answer.headers["Set-Cookie"]
