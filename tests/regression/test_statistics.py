"""What ``make statistics`` measures with."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from valhalla.env import BASE_DIR

pytestmark = pytest.mark.sqlite  # no database is asked


def test_the_statistics_are_measured_without_the_site() -> None:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("DJANGO")}
    done = subprocess.run(
        [sys.executable, "-c", "import bench.statistics"], cwd=BASE_DIR, env=plain, check=False, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
