"""Programs of what may happen to a tripwire, to be run in two ways that must come to the same.

``VALHALLA_DIFFERENTIAL_EXAMPLES=2000 pytest --database=postgresql tests/regression`` compares more.
"""

from __future__ import annotations

import datetime as dt
import functools
import os
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django.apps import apps
from django.db import connection, transaction
from django.db.models import UUIDField
from hypothesis import HealthCheck, example, given, seed, settings
from hypothesis import strategies as st

from governance import clock, origin
from governance.errors import Invalid
from regression import pinning, rules, services
from regression.models import RegressionIncident, RegressionPolicy, RegressionState
from regression.recording import Observation
from regression.rules import Event
from tests.regression.factories import PAIR, BaselineFactory, PolicyFactory

EXAMPLES = int(os.environ.get("VALHALLA_DIFFERENTIAL_EXAMPLES", "8"))
START = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
Outcome = bool | float
Record = Callable[[Sequence[Observation]], None]
Rows = dict[str, list[tuple[Any, ...]]]

lengths = st.sampled_from([1, 1, 2, 3, 5, 9])
successes = st.builds(lambda outcome, times: [outcome] * times, st.booleans(), lengths)
values = st.builds(lambda outcome, times: [outcome] * times, st.sampled_from([0.5, -1.0, 3.25e-7]), lengths)
sizes = st.fixed_dictionaries(
    {
        "window_events": st.integers(1, 6),
        "baseline_events": st.integers(1, 9),
        "min_events_to_enforce": st.integers(1, 2),
        "max_drop_fraction": st.sampled_from([Decimal("0.2"), Decimal("0.5"), Decimal(1)]),
    }
)
patches = st.one_of(
    sizes,
    st.fixed_dictionaries({"enabled": st.sampled_from([True, True, False])}),
    st.fixed_dictionaries({"mode": st.sampled_from([rules.SHADOW, rules.ENFORCE])}),
    st.fixed_dictionaries({"action": st.sampled_from([rules.THROTTLE, rules.KILL_SWITCH])}),
    st.sampled_from(
        [
            {"detector": rules.SEQUENTIAL, "baseline_kind": rules.PINNED},
            {"detector": rules.WINDOW, "baseline_kind": rules.PINNED},
            {"detector": rules.WINDOW, "baseline_kind": rules.ROLLING},
        ]
    ),
)
EVERY_KIND = {
    "record", "pin", "rearm", "evaluate", "wait", "patch baseline_events", "patch enabled", "patch mode",
    "patch action", "patch baseline_kind", "WINDOW trips", "SEQUENTIAL trips",
}  # fmt: skip
IN_SEQUENCE = [
    ("patch", {"detector": rules.SEQUENTIAL, "baseline_kind": rules.PINNED}), ("record", [True] * 3 + [False] * 9),
    ("rearm", None), ("record", [True, False, False]),
]  # fmt: skip
# Values are few: what the database's function leaves to the law would else be most of it.
outcomes = st.integers(0, 11).flatmap(lambda number: values if number == 11 else successes)
several = st.lists(outcomes, min_size=1, max_size=4).map(lambda lists: [one for some in lists for one in some])
steps = st.one_of(
    st.tuples(st.just("record"), several),
    st.tuples(st.just("record"), several),
    st.tuples(st.just("record"), several),
    st.tuples(st.just("patch"), patches),
    st.tuples(st.sampled_from(["pin", "rearm", "rearm", "evaluate", "wait"]), st.none()),
)
programs = st.lists(steps, min_size=3, max_size=10)


def leave_the_same(one: Record, other: Record) -> None:
    """Run programs in two ways and compare every row. Each kind of step is among them, and trips of both detectors."""
    detector = [field.attname for field in RegressionIncident._meta.concrete_fields].index("detector")
    taken: Counter[str] = Counter()

    @seed(2)
    @settings(
        max_examples=EXAMPLES, database=None, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
    )
    @given(program=programs)
    @example(program=IN_SEQUENCE)
    def compare(program: list[tuple[str, Any]]) -> None:
        taken.update(f"{what} {min(how)}" if what == "patch" else what for what, how in program)
        rows = left_by(program, one)
        taken.update(f"{row[detector]} trips" for row in rows["regression_incident"])
        assert differences(rows, left_by(program, other)) == {}

    compare()
    assert set(taken) == EVERY_KIND


def differences(one: Rows, other: Rows) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows that only one of two runs has left, by table."""
    apart = {
        table: [row for row in one[table] + other[table] if (row in one[table]) != (row in other[table])]
        for table in one
    }
    return {table: rows for table, rows in apart.items() if rows}


def left_by(program: list[tuple[str, Any]], record: Record) -> Rows:
    """Run ``program`` from an armed tripwire, recording by ``record``, and return every row; take everything back."""
    if connection.vendor == "postgresql":
        _number_from_the_start()
    # As a test's own transaction, so that the durable services run in it.
    block = transaction.atomic()
    block._from_testcase = True  # type: ignore[attr-defined]
    now = START
    with block, origin.of(request_id="trace-0123"):
        with clock.at(now):
            PolicyFactory(enabled=False, baseline_size=100, run_length=100, alpha=Decimal("0.5"))
            BaselineFactory()
            services.set_policy(**PAIR, patch={"enabled": True}, actor="jo", reason="test")
        for what, how in program:
            now += dt.timedelta(days=8) if what == "wait" else dt.timedelta(seconds=1)
            with clock.at(now):
                _step(what, how, record)
        rows = {}
        with connection.cursor() as cursor:
            for table, query in _reads().items():
                cursor.execute(query)
                rows[table] = cursor.fetchall()
        transaction.set_rollback(True)
    return rows


@functools.cache
def _reads() -> dict[str, str]:
    """Return what reads of each table what two runs agree in: all but the names that are drawn by chance."""
    reads = {}
    for meta in [model._meta for model in apps.get_models() if model._meta.managed]:
        told = ", ".join(f'"{field.column}"' for field in meta.concrete_fields if not isinstance(field, UUIDField))
        reads[meta.db_table] = f'SELECT {told} FROM "{meta.db_table}" ORDER BY "{meta.pk.column}"'  # noqa: S608 -- ours
    return reads


def _step(what: str, how: Any, record: Record) -> None:
    said = {**PAIR, "actor": "jo", "reason": "test"}
    if what == "record":
        record([_observation(outcome) for outcome in how])
    elif what == "past":
        services.record_kpis(observations=[_observation(outcome) for outcome in how], actor="bot")
    elif what == "patch":
        try:
            services.set_policy(**said, patch=how)
        except Invalid:
            return  # nothing is pinned to test against
    elif what == "weaken":
        # Over after one step more, or two: whatever comes then meets the end.
        _step("patch", {**how, "until": clock.now() + dt.timedelta(seconds=2)}, record)
    elif what == "pin":
        services.pin_baseline(**said)
        # Most of what it waits for, without the hundred events.
        pinning.take(RegressionPolicy.objects.get(**PAIR), [Event(1, place % 9 > 0, None) for place in range(94)])
    elif what == "rearm":
        if RegressionState.objects.filter(**PAIR).exists():
            services.rearm(**said)
    elif what == "evaluate":
        services.evaluate(**PAIR, actor="jo")


def _observation(outcome: Outcome) -> Observation:
    if isinstance(outcome, bool):
        return Observation(**PAIR, success=outcome)
    return Observation(**PAIR, value=outcome)


def _number_from_the_start() -> None:
    """Set back the sequences, which no rollback does."""
    numbered = [meta for meta in (model._meta for model in apps.get_models()) if meta.auto_field is not None]
    each = ["setval(pg_get_serial_sequence(%s, %s), 1000000)"] * len(numbered)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join(each)}",
            [name for meta in numbered for name in (meta.db_table, meta.auto_field.column)],
        )
