"""Breaks the risk guard on purpose, one way at a time, and runs the test that must notice: ``python -m tests.mutants``.

Each mutant is an edit of a copy of the tree. Exit status 1 where one survives its tests, 2 where the edits or the tests
themselves do not fit the source any more.
"""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".env", "__pycache__", ".*_cache", ".hypothesis", "*.sqlite3*", "staticfiles"
)
SQLITE, POSTGRESQL = "sqlite", "postgresql"
UNIT, RACES, STOPS = "tests/riskguard/", "tests/concurrency/test_reservations.py::", "tests/concurrency/test_stops.py::"
KILLED, SURVIVED, UNFIT = "killed", "SURVIVED", "DOES NOT FIT"


@dataclasses.dataclass(frozen=True)
class Edit:
    """One text of a file, there exactly once, and what stands in its place."""

    path: str
    old: str
    new: str


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A way to be wrong, and the tests that notice it."""

    name: str
    edits: tuple[Edit, ...]
    database: str
    tests: tuple[str, ...]


MUTANTS = (
    Mutant(
        "takes the lock out",
        (Edit("riskguard/models.py", "self.select_for_update().filter(", "self.filter("),),
        POSTGRESQL,
        (RACES + "test_not_one_minor_unit_goes_over_any_cap[max_daily_exposure-5000-GLOBAL-locks]",),
    ),
    Mutant(
        "swaps the lock order",
        (Edit("riskguard/models.py", "When(engine=GLOBAL, then=Value(0))", "When(engine=GLOBAL, then=Value(2))"),),
        POSTGRESQL,
        (STOPS + "test_two_policies_changed_in_one_transaction_meet_reservations_without_a_deadlock",),
    ),
    Mutant(
        "ignores holds that stand",
        (Edit("riskguard/reserving.py", "for hold in holds.standing(order.engine)]", "for hold in ()]"),),
        SQLITE,
        (UNIT + "test_services.py::test_a_hold_of_any_lever_refuses_its_engine_and_no_other",),
    ),
    Mutant(
        "ignores what open reservations hold",
        (
            Edit(
                "riskguard/rules.py",
                "caps.max_open_risk, usage.open_risk_reserved, amount",
                "caps.max_open_risk, 0, amount",
            ),
        ),
        SQLITE,
        (UNIT + "test_services.py::test_open_risk_at_one_under_and_one_over",),
    ),
    Mutant(
        "checks only the engine's level",
        (
            Edit(
                "riskguard/rules.py",
                "    for level in levels:\n        for cap,",
                "    for level in levels[1:]:\n        for cap,",
            ),
        ),
        SQLITE,
        (UNIT + "test_services.py::test_engines_share_the_ceiling_and_nothing_else",),
    ),
    Mutant(
        "checks only GLOBAL's level",
        (
            Edit(
                "riskguard/rules.py",
                "    for level in levels:\n        for cap,",
                "    for level in levels[:1]:\n        for cap,",
            ),
        ),
        SQLITE,
        (UNIT + "test_services.py::test_engines_share_the_ceiling_and_nothing_else",),
    ),
    Mutant(
        "counts an idempotent retry twice",
        (
            Edit(
                "riskguard/reserving.py",
                "    if earlier is not None:\n        return _replay(",
                "    if earlier is not None:\n"
                "        ledger.take(ledger.opened(scene.day, [order.engine]), order.engine, order.amount)\n"
                "        return _replay(",
            ),
        ),
        SQLITE,
        (UNIT + "test_idempotency.py::test_the_same_key_and_body_is_the_same_reservation_and_takes_nothing_more",),
    ),
    Mutant(
        "drops the carry over midnight",
        (Edit("riskguard/ledger.py", "open_risk_reserved=carried(name, day))", "open_risk_reserved=0)"),),
        SQLITE,
        (UNIT + "test_days.py::test_open_risk_of_yesterday_counts_against_todays_cap_and_exposure_does_not",),
    ),
    Mutant(
        "reads the day before the wait",
        (
            Edit(
                "riskguard/services.py",
                "    return reserving.decide(order, RiskPolicy.objects.locked(GLOBAL, order.engine))",
                "    reserving.EARLY = ledger.day_of(clock.database_now())\n"
                "    return reserving.decide(order, RiskPolicy.objects.locked(GLOBAL, order.engine))",
            ),
            Edit("riskguard/reserving.py", "    day = ledger.day_of(now)\n", "    day = EARLY\n"),
        ),
        POSTGRESQL,
        (RACES + "test_who_waited_over_midnight_counts_on_the_new_day[locks]",),
    ),
    Mutant(
        "reads the hold before the lock",
        (
            Edit(
                "riskguard/services.py",
                "    return reserving.decide(order, RiskPolicy.objects.locked(GLOBAL, order.engine))",
                "    reserving.EARLY = holds.standing(order.engine)\n"
                "    return reserving.decide(order, RiskPolicy.objects.locked(GLOBAL, order.engine))",
            ),
            Edit("riskguard/reserving.py", "in holds.standing(order.engine)]", "in EARLY]"),
        ),
        POSTGRESQL,
        (STOPS + "test_nothing_is_granted_on_a_stop_that_was_there_while_it_waited[kill switch-locks]",),
    ),
)


def main() -> int:
    """Run every mutant and return the exit status."""
    with tempfile.TemporaryDirectory(prefix="valhalla-mutants-") as folder:
        for database in (SQLITE, POSTGRESQL):
            tests = sorted({test for mutant in MUTANTS if mutant.database == database for test in mutant.tests})
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
        status = _run(folder, mutant.database, mutant.tests)
        outcome = {0: SURVIVED, 1: KILLED}.get(status, UNFIT)
    sys.stdout.write(f"{outcome:12}  {mutant.name} ({', '.join(test.rpartition('::')[2] for test in mutant.tests)})\n")
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


def _run(folder: Path, database: str, tests: list[str] | tuple[str, ...]) -> int:
    """Return pytest's exit status: 0 all passed, 1 one failed."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", f"--database={database}", *tests]
    return subprocess.run(command, cwd=folder, check=False, stdout=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())
