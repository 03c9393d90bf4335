"""Whole rows by plain SQL, for what every decision reads and writes: Django would work each statement out anew."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, models, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import Col, DatabaseDefault

Some = TypeVar("Some", bound=models.Model)


class Row(models.Model):
    """A row that is saved by one plain statement. No signal is sent: nothing listens to the rows of ours."""

    class Meta:
        abstract = True

    def save(self, *_args: Any, update_fields: Iterable[str] | None = None, **_kwargs: Any) -> None:
        """Insert a row that is new; write one that stands, or no more than ``update_fields`` of it."""
        if self._state.adding:
            insert(self)
        else:
            update(self, update_fields)


def insert(row: models.Model, on_conflict: str = "") -> None:
    """Insert a new row, and let it take over what the database sets.

    ``on_conflict`` is what happens instead where one like it stands; of that the row learns nothing but its key.
    """
    database = connections[DEFAULT_DB_ALIAS]  # the proxy would look it up for all that is asked of it
    given, left = [], []
    for field in row._meta.concrete_fields:
        value = field.pre_save(row, add=True)
        if isinstance(value, DatabaseDefault) or (field.primary_key and value is None):
            left.append(field)
        else:
            given.append((field.column, field.get_db_prep_save(value, database)))
    columns, values = zip(*given, strict=True)
    sql = _insert(type(row), columns, tuple(field.column for field in left), on_conflict)
    with transaction.mark_for_rollback_on_error(DEFAULT_DB_ALIAS), database.cursor() as cursor:
        cursor.execute(sql, values)
        back = cursor.fetchone() if left else None
    for field, value in zip(left, back or (), strict=False):
        for convert in _converters(field.cached_col, database):
            value = convert(value, field.cached_col, database)  # noqa: PLW2901 -- each takes what the last has made
        setattr(row, field.attname, value)
    row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def update(row: models.Model, names: Iterable[str] | None = None) -> None:
    """Write a row that stands, or its fields of these ``names``; DatabaseError where it is gone."""
    database, meta = connections[DEFAULT_DB_ALIAS], row._meta
    known = {field.name: field for field in meta.concrete_fields if not field.primary_key}
    fields = list(known.values()) if names is None else [known[name] for name in names]
    values = [field.get_db_prep_save(field.pre_save(row, add=False), database) for field in fields]
    with transaction.mark_for_rollback_on_error(DEFAULT_DB_ALIAS), database.cursor() as cursor:
        cursor.execute(_update(type(row), tuple(field.column for field in fields)), [*values, row.pk])
        if cursor.rowcount == 0:
            raise DatabaseError(f"{row} is gone from {meta.db_table}.")


def selected(model: type[Some], sql: str, values: Any = ()) -> list[Some]:
    """Return the rows of ``model`` that ``sql`` selects, with all of their columns."""
    database = connections[DEFAULT_DB_ALIAS]
    with database.cursor() as cursor:
        cursor.execute(sql, values)
        in_order = _in_order(model, tuple(column[0] for column in cursor.description))
        found = [list(in_order(row)) for row in cursor.fetchall()]
    for place, column in _foreign(model, database.vendor) if found else ():
        converters = _converters(column, database)
        for row in found:
            for convert in converters:
                row[place] = convert(row[place], column, database)
    return [model.from_db(DEFAULT_DB_ALIAS, (), row) for row in found]


def one(model: type[Some], sql: str, values: Any = ()) -> Some | None:
    """Return the first row of ``model`` that ``sql`` selects, or None where it selects none."""
    return next(iter(selected(model, sql, values)), None)


@functools.cache
def _in_order(model: type[models.Model], columns: tuple[str, ...]) -> Callable[[Sequence[Any]], Sequence[Any]]:
    """Return what takes the values of the model's fields out of a row of ``columns``."""
    return itemgetter(*(columns.index(field.column) for field in model._meta.concrete_fields))


@functools.cache
def _foreign(model: type[models.Model], _vendor: str) -> list[tuple[int, Col]]:
    """Return the places of what the database does not give as the model has it."""
    columns = [field.cached_col for field in model._meta.concrete_fields]
    database = connections[DEFAULT_DB_ALIAS]
    return [(place, column) for place, column in enumerate(columns) if _converters(column, database)]


def _converters(column: Col, database: BaseDatabaseWrapper) -> list[Any]:
    return [*database.ops.get_db_converters(column), *column.get_db_converters(database)]


@functools.cache
def _insert(model: type[models.Model], columns: tuple[str, ...], back: tuple[str, ...], on_conflict: str) -> str:
    values = ", ".join(["%s"] * len(columns))
    conflict = f" ON CONFLICT {on_conflict}" if on_conflict else ""
    returning = f" RETURNING {_quoted(back)}" if back else ""
    return f"INSERT INTO {model._meta.db_table} ({_quoted(columns)}) VALUES ({values}){conflict}{returning}"  # noqa: S608 -- names of our own


@functools.cache
def _update(model: type[models.Model], columns: tuple[str, ...]) -> str:
    changes = ", ".join(f'"{column}" = %s' for column in columns)
    return f"UPDATE {model._meta.db_table} SET {changes} WHERE {model._meta.pk.attname} = %s"  # noqa: S608 -- the same


def _quoted(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{column}"' for column in columns)
