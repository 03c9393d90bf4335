"""Every command of the documentation is run, page by page, against a live server."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import forking
from tests.docs.pages import PAGES, blocks, missing, name, run
from tests.server import Site, site
from valhalla.env import BASE_DIR

WITH_COMMANDS = [page for page in PAGES if any(not block.not_run for block in blocks(page))]


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    """Serve one site to every page below docs/: what one of them leaves behind disturbs no other."""
    with site(WEB_CONCURRENCY="1") as served:
        yield served


def _runs(page: Path, served: Site, folder: Path) -> None:
    """Run the blocks of a page in their order and hold their output against what it says."""
    environ = {**served.environ, "PATH": forking.path(served.environ), "TMPDIR": str(folder)}
    for block in blocks(page):
        if block.not_run:
            continue
        here = dataclasses.replace(block, text=block.text.replace("http://localhost:8000", served.address))
        output = run(here, environ)
        assert missing(block.expected, output) == [], f"line {block.line} printed: {output}"


# The commands are the same on both databases, and each site takes a server.
@pytest.mark.sqlite
@pytest.mark.parametrize("page", [page for page in WITH_COMMANDS if page.parent.name == "docs"], ids=name)
def test_the_commands_of_a_page_run_and_answer_as_it_says(page: Path, shared: Site, tmp_path: Path) -> None:
    _runs(page, shared, tmp_path)


@pytest.mark.sqlite
def test_the_readme_leads_from_a_new_site_to_a_killed_engine(tmp_path: Path) -> None:
    with site(WEB_CONCURRENCY="1") as served:
        _runs(PAGES[0], served, tmp_path)


def test_what_is_not_run_here_says_why_or_names_the_test_that_runs_it() -> None:
    for page in PAGES:
        for block in blocks(page):
            if block.run_by:
                path, _, told = block.run_by.partition(": ")
                assert told
                assert "run_by" in (BASE_DIR / path).read_text(), block.run_by
            elif block.not_run:
                assert len(block.not_run) > len("not here"), f"{name(page)} line {block.line}"


def test_no_command_hides_in_a_fence_that_is_not_run() -> None:
    for page in PAGES:
        fences = re.findall(r"^```(\w*)", page.read_text(), re.MULTILINE)
        assert set(fences) <= {"sh", "", "mermaid", "text", "json", "ini", "nginx", "sql", "python", "yaml"}, name(page)
