"""The ways to break the risk guard, each with the tests that must notice it; ``tests/mutants.py`` runs them.

What the law in Python can get wrong, the database's function can too: each named defect is there in both.
"""

from __future__ import annotations

import dataclasses

SQLITE, POSTGRESQL = "sqlite", "postgresql"
UNIT, RACES, STOPS = "tests/riskguard/", "tests/concurrency/test_reservations.py::", "tests/concurrency/test_stops.py::"
LAW, FUNCTION = "riskguard/reserving.py", "riskguard/sql/reserve_v1_at_once.sql"

OVER_A_CAP = RACES + "test_not_one_minor_unit_goes_over_any_cap[max_daily_exposure-5000-{}-GLOBAL-locks]"
DEADLOCK = STOPS + "test_two_policies_changed_in_one_transaction_meet_reservations_without_a_deadlock[{}]"
HELD = UNIT + "test_services.py::test_a_hold_of_any_lever_refuses_its_engine_and_no_other"
OPEN_RISK = UNIT + "test_caps.py::test_open_risk_at_one_under_and_one_over"
BOTH_LEVELS = UNIT + "test_caps.py::test_engines_share_the_ceiling_and_nothing_else"
RETRY = UNIT + "test_idempotency.py::test_the_same_key_and_body_is_the_same_reservation_and_takes_nothing_more"
CARRY = UNIT + "test_days.py::test_open_risk_of_yesterday_counts_against_todays_cap_and_exposure_does_not"
MIDNIGHT = RACES + "test_who_waited_over_midnight_counts_on_the_new_day[locks-{}]"
STOPPED = STOPS + "test_nothing_is_granted_on_a_stop_that_was_there_while_it_waited[kill switch-locks-{}]"


@dataclasses.dataclass(frozen=True)
class Edit:
    """One text of a file, there exactly once, and what stands in its place."""

    path: str
    old: str
    new: str


@dataclasses.dataclass(frozen=True)
class Mutant:
    """A way to be wrong, and the test that notices it."""

    name: str
    edits: tuple[Edit, ...]
    database: str
    test: str


def _law(name: str, *edits: Edit, test: str, database: str = SQLITE) -> Mutant:
    return Mutant(f"Python: {name}", edits, database, test.format("python"))


def _function(name: str, *edits: tuple[str, str], test: str) -> Mutant:
    made = tuple(Edit(FUNCTION, old, new) for old, new in edits)
    return Mutant(f"function: {name}", made, POSTGRESQL, test.format("function"))


_OPEN = "caps.max_open_risk, usage.open_risk_reserved, amount"
_LEVELS = "    for level in levels:\n        for cap,"
_REPLAYING = "                RETURN NEXT;\n                CONTINUE;"
_LOCKING = "    policies = RiskPolicy.objects.locked(GLOBAL, *{order.engine for order in orders})\n"
_WAITING = "    -- GLOBAL is the mutex of every money path, and everything below is read after the wait for it.\n"
_BOTH = "    FOR place IN 1 .. 2 LOOP"
_HOLDS = "governance_holds_v1(engines[place], enforced, instant) g\n                        LIMIT 1"
_BEFORE = "governance_holds_v1(engines[1], enforced, clock_timestamp())"

MUTANTS = (
    _law(
        "takes the lock out",
        Edit("riskguard/models.py", "locking(_LEVELS.format(", "(_LEVELS.format("),
        test=OVER_A_CAP,
        database=POSTGRESQL,
    ),
    _function("takes the lock out", ("p.engine\n        FOR UPDATE;", "p.engine;"), test=OVER_A_CAP),
    _law(
        "swaps the lock order",
        Edit("riskguard/models.py", "ORDER BY engine <> 'GLOBAL'", "ORDER BY engine = 'GLOBAL'"),
        test=DEADLOCK,
        database=POSTGRESQL,
    ),
    _function(
        "swaps the lock order",
        ("ORDER BY p.engine <> 'GLOBAL', p.engine", "ORDER BY p.engine = 'GLOBAL', p.engine"),
        test=DEADLOCK,
    ),
    _law(
        "ignores holds that stand",
        Edit(LAW, "for hold in holds.standing(order.engine)]", "for hold in ()]"),
        test=HELD,
    ),
    _function("ignores holds that stand", (_HOLDS, _HOLDS.replace("LIMIT 1", "LIMIT 0")), test=HELD),
    _law(
        "ignores what open reservations hold",
        Edit(
            "riskguard/rules.py",
            "caps.max_open_risk, usage.open_risk_reserved, amount",
            "caps.max_open_risk, 0, amount",
        ),
        test=OPEN_RISK,
    ),
    _function(
        "ignores what open reservations hold",
        ("level.open_risk_reserved + amount > level.max_open_risk", "amount > level.max_open_risk"),
        test=OPEN_RISK,
    ),
    _law(
        "checks only the engine's level",
        Edit(
            "riskguard/rules.py",
            "    for level in levels:\n        for cap,",
            "    for level in levels[1:]:\n        for cap,",
        ),
        test=BOTH_LEVELS,
    ),
    _function("checks only the engine's level", (_BOTH, _BOTH.replace("1 ..", "2 ..")), test=BOTH_LEVELS),
    _law(
        "checks only GLOBAL's level",
        Edit(
            "riskguard/rules.py",
            "    for level in levels:\n        for cap,",
            "    for level in levels[:1]:\n        for cap,",
        ),
        test=BOTH_LEVELS,
    ),
    _function("checks only GLOBAL's level", (_BOTH, _BOTH.replace(".. 2", ".. 1")), test=BOTH_LEVELS),
    _law(
        "counts an idempotent retry twice",
        Edit(
            LAW,
            "    if earlier is not None:\n        return _replay(",
            "    if earlier is not None:\n        standing.take(order.engine, order.amount)\n        return _replay(",
        ),
        test=RETRY,
    ),
    _function(
        "counts an idempotent retry twice",
        (_REPLAYING, f"UPDATE risk_ledger_day SET actions_count = actions_count + 1;\n{_REPLAYING}"),  # noqa: S608
        test=RETRY,
    ),
    _law(
        "drops the carry over midnight",
        Edit("riskguard/ledger.py", "newest.open_risk_reserved if newest else 0)", "0)"),
        test=CARRY,
    ),
    _function(
        "drops the carry over midnight",
        ("SELECT today, l.name, 0, coalesce((", "SELECT today, l.name, 0, 0 * coalesce(("),
        test=CARRY,
    ),
    _law(
        "reads the day before the wait",
        Edit(
            LAW,
            _LOCKING,
            f"    global EARLY\n    EARLY = ledger.read(clock.database_now(), orders[0].engine)\n{_LOCKING}",
        ),
        Edit(LAW, "ledger.read(now, *policies)", "EARLY"),
        test=MIDNIGHT,
        database=POSTGRESQL,
    ),
    _function(
        "reads the day before the wait",
        (
            _WAITING,
            "    today := greatest((coalesce(moment, clock_timestamp()) AT TIME ZONE 'UTC')::date,\n"
            "        (SELECT max(l.day) FROM risk_ledger_day l WHERE l.engine = 'GLOBAL'));\n",
        ),
        ("    today := greatest(\n", "    PERFORM greatest(\n"),
        test=MIDNIGHT,
    ),
    _law(
        "reads the hold before the lock",
        Edit(LAW, _LOCKING, f"    global EARLY\n    EARLY = holds.standing(orders[0].engine)\n{_LOCKING}"),
        Edit(LAW, "in holds.standing(order.engine)]", "in EARLY]"),
        test=STOPPED,
        database=POSTGRESQL,
    ),
    _function(
        "reads the hold before the lock",
        (_WAITING, f"    CREATE TEMP TABLE early ON COMMIT DROP AS SELECT * FROM {_BEFORE};\n"),  # noqa: S608
        (_HOLDS, "early g LIMIT 1"),
        test=STOPPED,
    ),
)
