"""The package installs by itself, brings its types along, and knows nothing of the site but its API."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_architecture import OURS
from valhalla.env import BASE_DIR

pytestmark = pytest.mark.sqlite  # no database is asked
CLIENT = BASE_DIR / "clients" / "python"


def test_it_installs_with_its_types(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install"]
    # What builds it is there already: nothing is fetched.
    subprocess.run(
        [*pip, "--no-index", "--no-deps", "--no-build-isolation", "--no-compile", "--target", tmp_path, CLIENT],
        check=True,
        timeout=120,
    )
    assert (tmp_path / "valhalla_governor" / "py.typed").exists()
    program = "import valhalla_governor; print(valhalla_governor.__file__)"
    told = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": str(tmp_path)}, check=True, capture_output=True, text=True
    )
    assert told.stdout.startswith(str(tmp_path))


def test_it_imports_nothing_of_the_site() -> None:
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for path in CLIENT.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    brought = {name.partition(".")[0] for name in imported} - set(sys.stdlib_module_names)
    assert brought == {"anyio", "httpx", "valhalla_governor"}
    assert not brought & set(OURS)
