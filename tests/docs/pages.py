"""The documentation's pages, and the commands in them.

A block fenced as ``sh`` holds commands, and is run. A line ``#> text`` in it says what the output holds from there on.
A comment on the line above the fence says what is odd about a block: ``<!-- not run: why -->`` that the tests cannot
run it, ``<!-- run by PATH: what -->`` that a test of its own runs it, since it needs more than a server.
"""

from __future__ import annotations

import dataclasses
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from valhalla.env import BASE_DIR

PAGES = [BASE_DIR / "README.md", *sorted((BASE_DIR / "docs").rglob("*.md"))]
_FENCE = re.compile(
    r"^(?:<!-- (?:not run: (?P<why>[^\n]+)|run by (?P<by>[^\n]+)) -->\n)?```sh\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclasses.dataclass(frozen=True)
class Block:
    """Commands, what their output must hold in this order, and why they are not run here (empty: they are)."""

    line: int
    text: str
    expected: list[str]
    not_run: str
    run_by: str


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of commands of a page."""
    text = page.read_text()
    for found in _FENCE.finditer(text):
        body = found["text"]
        expected = [line.removeprefix("#>").strip() for line in body.splitlines() if line.startswith("#>")]
        yield Block(
            text.count("\n", 0, found.start()) + 1, body, expected, found["why"] or found["by"] or "", found["by"] or ""
        )


def run_by(page: Path, test: str) -> Block:
    """Return the block of a page that is left to ``test``."""
    (found,) = [block for block in blocks(page) if block.run_by == test]
    return found


def run(block: Block, environ: dict[str, str]) -> str:
    """Run a block's commands, which must succeed, and return what they printed."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.text],
        cwd=BASE_DIR, env=environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"line {block.line} ended with {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def missing(expected: list[str], output: str) -> list[str]:
    """Return what ``output`` does not hold, in this order."""
    gone, place = [], 0
    for text in expected:
        found = output.find(text, place)
        if found < 0:
            gone.append(text)
        else:
            place = found + len(text)
    return gone


def name(page: Path) -> str:
    """Return a page's path in the project."""
    return str(page.relative_to(BASE_DIR))
