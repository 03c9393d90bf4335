"""The documentation's pages, and the commands in them.

A block fenced as ``sh`` holds commands, and is run. A line ``#> text`` in it says what the output holds from there on.
A comment ``<!-- not run: why -->`` on the line above the fence says why the tests cannot run a block.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

from valhalla.env import BASE_DIR

PAGES = [BASE_DIR / "README.md", *sorted((BASE_DIR / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^(?:<!-- not run: (?P<why>[^\n]+) -->\n)?```sh\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Block:
    """Commands, what their output must hold in this order, and why they are not run (empty: they are)."""

    line: int
    text: str
    expected: list[str]
    not_run: str


def blocks(page: Path) -> Iterator[Block]:
    """Yield the blocks of commands of a page."""
    text = page.read_text()
    for found in _FENCE.finditer(text):
        body = found["text"]
        expected = [line.removeprefix("#>").strip() for line in body.splitlines() if line.startswith("#>")]
        yield Block(text.count("\n", 0, found.start()) + 1, body, expected, found["why"] or "")


def name(page: Path) -> str:
    """Return a page's path in the project."""
    return str(page.relative_to(BASE_DIR))
