"""The Containerfile, as far as it can be held without building: what goes in, who runs it, and its health check."""

from __future__ import annotations

import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from valhalla.env import BASE_DIR

pytestmark = pytest.mark.sqlite
RECIPE = (BASE_DIR / "Containerfile").read_text()
KEPT = [
    line.removeprefix("!") for line in (BASE_DIR / ".containerignore").read_text().splitlines() if line.startswith("!")
]


def test_what_goes_in_is_a_whole_site(tmp_path: Path) -> None:
    for name in KEPT:
        source = BASE_DIR / name
        shutil.copytree(source, tmp_path / name) if source.is_dir() else shutil.copy(source, tmp_path / name)
    environ = {"PATH": os.environ["PATH"], "VALHALLA_ENV_FILE": "", "SECRET_KEY": "k" * 60, "ENV": "development"}
    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--fail-level", "WARNING"],
        cwd=tmp_path, env=environ, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
    assert not {"tests", ".env", ".git"} & set(KEPT)


def test_it_has_two_stages_and_runs_as_nobody_who_owns_the_code() -> None:
    build, final = re.split(r"^FROM ", RECIPE, flags=re.MULTILINE)[1:]
    assert "COPY --from=build" in final
    assert "pip install" in build
    assert "pip" not in final
    assert re.findall(r"^USER (.*)$", final, re.MULTILINE) == ["10001:10001"]
    assert "chown" not in RECIPE
    assert all(
        re.fullmatch(r"SECRET_KEY=for-collectstatic-alone", key) for key in re.findall(r"SECRET_KEY=\S+", RECIPE)
    )


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
def test_the_health_check_asks_as_the_site_is_asked(status: int, healthy: bool) -> None:
    asked = []

    class Health(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append((self.path, self.headers["Host"]))
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_line: object) -> None:
            """Say nothing."""

    found = re.search(r"^HEALTHCHECK .*CMD (\[.*\])$", RECIPE, re.MULTILINE)
    assert found is not None
    with http.server.HTTPServer(("127.0.0.1", 0), Health) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        environ = {"PORT": str(server.server_port), "ALLOWED_HOSTS": ".valhalla.example,other.example"}
        ran = subprocess.run([sys.executable, *json.loads(found[1])[1:]], env=environ, check=False, capture_output=True)
    assert (asked, ran.returncode == 0) == ([("/health", "valhalla.example")], healthy)
