"""The database as the migrations leave it, seeded; put back after each test that commits.

Django's own way empties every table and announces a migration: it takes a good part of a second and leaves no seeds.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.contrib.contenttypes.models import ContentType
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from tests.append_only import lifted

_names: list[str] = []
_rows: dict[str, list[tuple[Any, ...]]] = {}
_counts: dict[str, int] = {}
_kept: list[str] = []  # PostgreSQL's number of the transaction since which no row was written


def keep() -> None:
    """Remember every row of the database, which was just migrated."""
    _names[:] = [name for name in connection.introspection.table_names() if name != "django_migrations"]
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("DROP SCHEMA IF EXISTS pristine CASCADE; CREATE SCHEMA pristine")
            for name in _names:
                cursor.execute(f'CREATE TABLE pristine."{name}" AS TABLE public."{name}"')
                _counts[name] = cursor.rowcount
            cursor.execute("SELECT pg_current_xact_id()::text")
            _kept[:] = cursor.fetchone()
            return
        for name in _names:
            cursor.execute(f'SELECT * FROM "{name}"')  # noqa: S608 -- the name of a table of ours
            _rows[name] = cursor.fetchall()


def put_back() -> None:
    """Make every table hold what it held, whatever refuses to delete its rows."""
    if connection.vendor == "postgresql":
        each = 'DELETE FROM public."{0}"; INSERT INTO public."{0}" TABLE pristine."{0}";'
        with transaction.atomic(), connection.cursor() as cursor:
            # Neither triggers nor foreign keys are looked at in a session that replays what another has decided.
            cursor.execute("SET LOCAL session_replication_role = replica")
            written = _written(cursor)
            counters = [model for model in apps.get_models() if model._meta.db_table in written]
            for statement in (*map(each.format, written), *connection.ops.sequence_reset_sql(no_style(), counters)):
                cursor.execute(statement)
            cursor.execute("SELECT pg_current_xact_id()::text")
            _kept[:] = cursor.fetchone()
    else:
        with lifted(), transaction.atomic(), connection.cursor() as cursor:
            for name in _names:
                cursor.execute(f'DELETE FROM "{name}"')  # noqa: S608 -- the name of a table of ours
                if rows := _rows[name]:
                    values = ", ".join(["%s"] * len(rows[0]))
                    cursor.executemany(f'INSERT INTO "{name}" VALUES ({values})', rows)  # noqa: S608 -- the same
    ContentType.objects.clear_cache()


def _written(cursor: CursorWrapper) -> list[str]:
    """Name the tables of PostgreSQL that miss a row, or have one that a later transaction wrote than the one kept."""
    each = """SELECT '{0}' FROM public."{0}" HAVING count(*) <> {1} OR bool_or(age(xmin) < age('{2}'::xid))"""
    cursor.execute(" UNION ALL ".join(each.format(name, count, *_kept) for name, count in _counts.items()))
    return [name for (name,) in cursor.fetchall()]
