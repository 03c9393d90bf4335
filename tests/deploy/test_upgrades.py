"""Old and new code over one schema: each migration since the last release only expands (docs/deployment.md, Upgrades).

django-migration-linter reads the same rule from the SQL, where a table that SQLite rebuilds, to add a column with a
default in the database, looks like one that old code cannot insert into. So the rule is held by the operations.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.db import connection, migrations
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.models import NOT_PROVIDED, CheckConstraint, Field, Q, TextField

from governance import clock
from governance.appendonly import Guard
from governance.operations import RunPostgreSQL
from regression.models import KpiEvent
from riskguard.models import RiskEvent

# The last migration of each app in the last release. With a release they are moved to the newest.
RELEASED = {
    "access": "0004_seed_proxy_role",
    "deals": "0001_initial",
    "golive": "0002_seed_state",
    "governance": "0006_job_runs",
    "heimdall": "0004_decisions_index",
    "regression": "0005_record_function",
    "riskguard": "0005_refusals_index",
}
# What no code of the last release uses any more, and so may go: (app, migration, its operation in words).
CONTRACTS: set[tuple[str, str, str]] = set()
# Constraints that were written anew so that they allow what the last release does not write: (app, constraint).
WIDENED = {("heimdall", "heimdall_event_trial_has_outcome"), ("heimdall", "heimdall_event_names_recommendation")}
HARMLESS = (
    migrations.CreateModel, migrations.AddIndex, migrations.RemoveIndex, migrations.RemoveConstraint,
    migrations.AlterModelOptions, migrations.AlterModelManagers, migrations.RunPython, Guard,
)  # fmt: skip


def _new() -> Iterator[tuple[str, migrations.Migration]]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    for (app, name), migration in sorted(loader.disk_migrations.items()):
        if app in RELEASED and name > RELEASED[app]:
            yield app, migration


def _stands_alone(field: Field[Any, Any]) -> bool:
    """Say whether a row can be inserted without naming the column."""
    return field.null or field.db_default is not NOT_PROVIDED or field.primary_key or field.many_to_many


def _column(field: Field[Any, Any]) -> tuple[Any, ...]:
    """Return what the database sees of a field."""
    _name, kind, arguments, more = field.deconstruct()
    return kind, arguments, {name: value for name, value in more.items() if name not in field.non_db_attrs}


@functools.cache
def _released() -> ProjectState:
    return MigrationLoader(None, ignore_no_migrations=True).project_state(list(RELEASED.items()))


def _is_met(operation: migrations.AddConstraint, app: str) -> bool:
    """Say whether every row that the last release writes meets a new constraint.

    One that names a column the last release does not know is met by that column's default (a test inserts such rows).
    """
    constraint = operation.constraint
    model = _released().models.get((app, operation.model_name_lower))
    if not isinstance(constraint, CheckConstraint) or model is None:
        return model is None
    return (app, constraint.name) in WIDENED or not set(_named(constraint.condition)) <= model.fields.keys()


def _named(condition: Q) -> Iterator[str]:
    for child in condition.children:
        if isinstance(child, Q):
            yield from _named(child)
        else:
            yield child[0].partition("__")[0]


def expands(operation: Operation, app: str, before: ProjectState) -> bool:
    """Say whether code that does not know of ``operation`` goes on reading and writing as before it."""
    if isinstance(operation, migrations.AddField):
        return _stands_alone(operation.field)
    if isinstance(operation, migrations.AlterField):
        was = before.models[app, operation.model_name_lower].fields[operation.name]
        return _column(was) == _column(operation.field)
    if isinstance(operation, migrations.AddConstraint):
        return _is_met(operation, app)
    if isinstance(operation, RunPostgreSQL):
        said = re.sub("--.*", "", str(operation.sql)).upper()
        return not any(word in said for word in ("DROP ", "ALTER ", "TRUNCATE ", "DELETE "))
    return isinstance(operation, HARMLESS)


@pytest.mark.sqlite
def test_each_migration_since_the_last_release_only_expands() -> None:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    seen = 0
    for app, migration in _new():
        state = loader.project_state((app, migration.name), at_end=False)
        for operation in migration.operations:
            told = (app, migration.name, operation.describe())
            assert expands(operation, app, state) or told in CONTRACTS, told
            operation.state_forwards(app, state)
            seen += 1
    assert seen >= 3


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "operation",
    [
        migrations.AddField("riskevent", "colour", TextField(default="red")),
        migrations.RemoveField("riskevent", "actor"),
        migrations.RenameField("riskevent", "actor", "who"),
        migrations.AlterField("riskevent", "actor", TextField(null=True)),
        migrations.DeleteModel("riskevent"),
        migrations.AddConstraint("riskevent", CheckConstraint(condition=Q(amount__lte=1), name="small")),
        RunPostgreSQL("DROP FUNCTION risk_reserve_v1"),
        migrations.RunSQL("SELECT 1"),
    ],
    ids=lambda operation: operation.describe(),
)
def test_what_old_code_would_trip_over_is_seen(operation: Operation) -> None:
    state = MigrationLoader(None, ignore_no_migrations=True).project_state(("riskguard", RELEASED["riskguard"]))
    assert not expands(operation, "riskguard", state)


@pytest.mark.django_db
def test_every_column_since_the_last_release_fills_itself() -> None:
    """What the database itself says of each table that the last release writes."""
    loader = MigrationLoader(None, ignore_no_migrations=True)
    state = loader.project_state(list(RELEASED.items()))
    told = 0
    with connection.cursor() as cursor:
        for (app, name), model in state.models.items():
            if app not in RELEASED:
                continue
            table = apps.get_model(app, name)._meta.db_table
            known = {field.column for field in state.apps.get_model(app, model.name)._meta.concrete_fields}
            for column in connection.introspection.get_table_description(cursor, table):
                if column.name not in known:
                    told += 1
                    assert column.null_ok or column.default is not None, f"{table}.{column.name}"
    assert told >= 3


@pytest.mark.django_db
def test_an_event_of_the_last_release_is_inserted_as_it_always_was() -> None:
    now = clock.database_now()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO kpi_event (at, domain, metric, success, actor, correlation_id) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            [now, "OLD", "signed", True, "bot", ""],
        )
        cursor.execute(
            "INSERT INTO risk_event (at, day, kind, engine, amount, reason, policy, cap, exposure_day, exposure_delta, "
            "open_risk_delta, loss_delta, actions_delta, figures, actor, correlation_id) "
            "VALUES (%s, %s, 'DENY', 'OLD', 1, 'policy_missing', '', '', %s, 0, 0, 0, 0, '{}', 'bot', '')",
            [now, now.date(), now.date()],
        )
    assert KpiEvent.objects.get(domain="OLD").request_id == ""
    assert RiskEvent.objects.get(engine="OLD").request_id == ""


@pytest.mark.postgresql
@pytest.mark.django_db
def test_the_functions_that_the_last_release_calls_answer_as_it_calls_them() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT reason, (held).id, (own).enabled FROM risk_reserve_v1(%s::text[], %s::bigint[], %s::text[], "
            "%s::text[], %s::text[], %s::text[], %s::bigint[], %s, %s, %s, %s)",
            [["OLD"], [1], ["bot"], [None], ["d" * 64], [""], [None], "USD", "1 day", False, None],
        )
        assert cursor.fetchall() == [("policy_missing", None, None)]
        cursor.execute(
            "SELECT event_id IS NOT NULL FROM kpi_record_v1(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
            ["OLD", "signed", True, None, "bot", "", "", "", None],
        )
        assert cursor.fetchall() == [(True,)]
