"""Everything that the database holds, to be compared before and after: who is refused leaves no trace."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connection

Tables = dict[str, list[tuple[Any, ...]]]


def tables(*, without: tuple[type[Any], ...] = ()) -> Tables:
    """Return every row of every table but those of the models ``without``, in the order of their first column."""
    names = [model._meta.db_table for model in apps.get_models() if model not in without and model._meta.managed]
    standing = {}
    with connection.cursor() as cursor:
        for name in names:
            cursor.execute(f'SELECT * FROM "{name}" ORDER BY 1')  # noqa: S608 -- the ORM takes many times as long
            standing[name] = cursor.fetchall()
    return standing
