"""What is written down: a table of each comparison, and whether what was asked of it is reached."""

from __future__ import annotations

import dataclasses
import datetime as dt
import importlib.metadata
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path

import psutil

from bench.rounds import ROUNDS, SECONDS
from bench.stage import Stage

RESULTS = Path(__file__).with_name("RESULTS.md")
LIBRARIES = ("Django", "djangorestframework", "gunicorn", "psycopg", "django-waffle")


@dataclasses.dataclass(frozen=True, slots=True)
class Target:
    """A figure that is asked for: at least (or, with ``most``, at most) ``limit``."""

    what: str
    figure: float
    limit: float
    most: bool = False

    def line(self) -> str:
        """Return the row of the table of targets."""
        reached = self.figure <= self.limit if self.most else self.figure >= self.limit
        asked = f"at {'most' if self.most else 'least'} {self.limit:.3g}"
        return f"| {self.what} | {asked} | {self.figure:.3g} | {'reached' if reached else '**not reached**'} |"


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """One comparison."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    targets: Sequence[Target] = ()


def told(stage: Stage, parts: Sequence[Part]) -> str:
    """Return every part as it is written down, with the machine and the versions."""
    targets = [target.line() for part in parts for target in part.targets]
    lines = [
        "# Results",
        "",
        f"Written by `make bench` on {dt.datetime.now(dt.UTC):%Y-%m-%d}. Every comparison is made in one run, "
        f"case by case in {ROUNDS} interleaved rounds of {SECONDS} s after one to warm up; figures are medians, and "
        "ratios are medians of the rounds' ratios. What the ratios mean, and where they miss: README.md, "
        "beside this file.",
        "",
        *(f"- {line}" for line in _machine(stage)),
        "",
        "| what is asked | limit | measured | |",
        "| --- | --- | --- | --- |",
        *targets,
    ]
    for part in parts:
        lines += ["", f"## {part.title}", "", f"| {' | '.join(part.columns)} |", "|" + " --- |" * len(part.columns)]
        lines += [f"| {' | '.join(row)} |" for row in part.rows]
    return "\n".join(lines) + "\n"


def _machine(stage: Stage) -> list[str]:
    cpu = next(
        (line.partition(": ")[2] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.machine(),
    )
    postgres = subprocess.run([stage.cluster.programs / "postgres", "-V"], check=True, capture_output=True, text=True)
    return [
        f"{psutil.cpu_count()} processors ({cpu}), {psutil.virtual_memory().total / 2**30:.0f} GB of memory, "
        f"{platform.system()} {platform.release()}; load, server and database share them",
        f"Python {platform.python_version()}, {postgres.stdout.strip()} with fsync and synchronous_commit on, "
        "over a socket",
        ", ".join(f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES)
        + "; gunicorn with 2 workers of 4 threads",
    ]
