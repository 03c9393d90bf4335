"""Breaks the risk guard on purpose, one way at a time, and runs the test that must notice: ``python -m tests.mutants``.

Each mutant is an edit of a copy of the tree. Exit status 1 where one survives its tests, 2 where the edits or the tests
themselves do not fit the source any more.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.mutations import MUTANTS, POSTGRESQL, SQLITE, Edit, Mutant

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".env", "__pycache__", ".*_cache", ".hypothesis", "*.sqlite3*", "staticfiles"
)
KILLED, SURVIVED, UNFIT = "killed", "SURVIVED", "DOES NOT FIT"


def main() -> int:
    """Run every mutant and return the exit status."""
    with tempfile.TemporaryDirectory(prefix="valhalla-mutants-") as folder:
        for database in (SQLITE, POSTGRESQL):
            tests = sorted({mutant.test for mutant in MUTANTS if mutant.database == database})
            if _run(_copy(Path(folder) / f"sound-{database}"), database, tests) != 0:
                sys.stderr.write(f"The tests fail on {database} without any mutant: mend that first.\n")
                return 2
        outcomes = [_outcome(mutant, Path(folder) / f"mutant-{number}") for number, mutant in enumerate(MUTANTS)]
    if UNFIT in outcomes:
        return 2
    return 1 if SURVIVED in outcomes else 0


def _outcome(mutant: Mutant, folder: Path) -> str:
    outcome = UNFIT
    if _edited(_copy(folder), mutant.edits):
        status = _run(folder, mutant.database, [mutant.test])
        outcome = {0: SURVIVED, 1: KILLED}.get(status, UNFIT)
    sys.stdout.write(f"{outcome:12}  {mutant.name} ({mutant.test.rpartition('::')[2]})\n")
    sys.stdout.flush()
    shutil.rmtree(folder)
    return outcome


def _copy(folder: Path) -> Path:
    return Path(shutil.copytree(ROOT, folder, ignore=LEFT_OUT))


def _edited(folder: Path, edits: tuple[Edit, ...]) -> bool:
    for edit in edits:
        path = folder / edit.path
        source = path.read_text()
        if source.count(edit.old) != 1:
            sys.stderr.write(f"{edit.path} does not hold exactly once: {edit.old!r}\n")
            return False
        path.write_text(source.replace(edit.old, edit.new))
    return True


def _run(folder: Path, database: str, tests: list[str]) -> int:
    """Return pytest's exit status: 0 all passed, 1 one failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"--database={database}", *tests]
    return subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
