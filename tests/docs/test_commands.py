"""Every command of the documentation is run, page by page, against a server of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, Block, blocks, name
from tests.server import site
from valhalla.env import BASE_DIR

WITH_COMMANDS = [page for page in PAGES if any(not block.not_run for block in blocks(page))]


def _run(block: Block, environment: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.text],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"line {block.line} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def _missing(expected: list[str], output: str) -> list[str]:
    """Return what ``output`` does not hold, in this order."""
    gone, place = [], 0
    for text in expected:
        found = output.find(text, place)
        if found < 0:
            gone.append(text)
        else:
            place = found + len(text)
    return gone


@pytest.mark.sqlite  # the commands are the same on both, and each page takes a server
@pytest.mark.parametrize("page", WITH_COMMANDS, ids=name)
def test_the_commands_of_a_page_run_and_answer_as_it_says(page: Path, tmp_path: Path) -> None:
    with site() as served:
        environment = {
            **served.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "TMPDIR": str(tmp_path),
        }
        for block in blocks(page):
            if block.not_run:
                continue
            here = Block(block.line, block.text.replace("http://localhost:8000", served.address), block.expected, "")
            output = _run(here, environment)
            assert _missing(block.expected, output) == [], f"line {block.line} printed: {output}"


def test_no_command_hides_in_a_fence_that_is_not_run() -> None:
    for page in PAGES:
        fences = re.findall(r"^```(\w*)", page.read_text(), re.MULTILINE)
        assert set(fences) <= {"sh", "", "mermaid", "text", "json", "ini", "nginx", "sql", "python", "yaml"}, name(page)
