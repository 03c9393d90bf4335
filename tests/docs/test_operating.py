"""docs/operating.md knows every command and every variable, and none that is not there."""

from __future__ import annotations

import re

import pytest
from django.apps import apps
from django.core.management import get_commands

from valhalla.env import BASE_DIR, read_file

pytestmark = pytest.mark.sqlite
# Variables of the processes themselves, which are in no file of settings.
OF_PROCESSES = {"FORWARDED_ALLOW_IPS", "PROMETHEUS_MULTIPROC_DIR", "VALHALLA_ENV_FILE"}
OF_DJANGO = {"migrate", "showmigrations"}


def _named(heading: str) -> set[str]:
    """Return what the first column of a section's table names."""
    page = (BASE_DIR / "docs" / "operating.md").read_text()
    section = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| ")][2:]
    return {name.split()[0] for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_it_has_every_command_of_ours() -> None:
    ours = {config.name for config in apps.get_app_configs() if (BASE_DIR / config.name.replace(".", "/")).is_dir()}
    commands = {name for name, app in get_commands().items() if app in ours}
    assert {"golive", "seed_demo"} <= commands
    assert _named("Commands") - {"enable", "disable", "kill", "release"} == commands | OF_DJANGO


def test_it_has_every_variable() -> None:
    assert _named("Variables") == set(read_file(BASE_DIR / ".env.example")) | OF_PROCESSES


def test_what_it_links_to_on_other_pages_is_a_heading_there() -> None:
    for page in (BASE_DIR / "docs").glob("*.md"):
        for target, heading in re.findall(r"\]\((\w+\.md)#([^)]+)\)", page.read_text()):
            headings = re.findall(r"^#+ (.+)$", (BASE_DIR / "docs" / target).read_text(), re.MULTILINE)
            anchors = {re.sub(r"[^a-z0-9 -]", "", said.lower()).replace(" ", "-") for said in headings}
            assert heading in anchors, f"{page.name} leads to {target}#{heading}"
