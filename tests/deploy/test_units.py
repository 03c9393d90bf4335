"""The systemd units: systemd understands them, and finds little that they could do beside their work."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from valhalla.env import BASE_DIR

ANALYZE = shutil.which("systemd-analyze")
MOST_EXPOSED = "15"  # of 100: a unit without hardening has 92 to 96
UNITS = sorted(path.name for path in (BASE_DIR / "deploy" / "systemd").iterdir() if path.is_file())

pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.skipif(ANALYZE is None, reason="no systemd-analyze: install systemd to run this test"),
]


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Return the units with programs that stand on this machine in place of those of an installation."""
    folder = shutil.copytree(BASE_DIR / "deploy" / "systemd", tmp_path / "system")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("gunicorn", "python", "psql", "pg_dump"):
        (programs / name).symlink_to("/bin/true")
    for unit in folder.glob("*.service"):
        text = unit.read_text().replace("/srv/valhalla/.venv/bin", str(programs))
        unit.write_text(
            text.replace("/usr/bin/psql", f"{programs}/psql").replace("/usr/bin/pg_dump", f"{programs}/pg_dump")
        )
    return folder


def _analyze(units: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # With a colon at its end the path adds the system's own units.
    environ = {**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"}
    return subprocess.run([str(ANALYZE), *arguments], env=environ, check=False, capture_output=True, text=True)


def test_systemd_understands_every_unit(units: Path) -> None:
    verified = _analyze(units, "verify", *(str(units / unit) for unit in UNITS))
    assert (verified.returncode, verified.stderr) == (0, "")


@pytest.mark.parametrize("unit", [unit for unit in UNITS if unit.endswith(".service")])
def test_each_service_is_exposed_little(units: Path, unit: str) -> None:
    judged = _analyze(
        units, "security", "--offline=true", "--no-pager", f"--threshold={MOST_EXPOSED}", str(units / unit)
    )
    assert judged.returncode == 0, judged.stdout
