"""How often each of a few kinds of events happened in a period, whatever the table holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import connection

# As far as a person tells one count from another; a kind of which there are more is shown as so many and more.
MOST = 2_000

# The kinds are found from one to the next by the index over ``columns`` and ``at``, and each is counted by itself, so
# that this reads at most MOST entries of it a kind. Both databases know a part of an index by its very words.
_COUNTED = """
WITH RECURSIVE known AS (
    SELECT * FROM (SELECT id, {columns} FROM {table} WHERE {condition} ORDER BY {columns} LIMIT 1) AS first
     UNION ALL
    SELECT found.id, {of_found}
      FROM known JOIN {table} AS found ON found.id = (
           SELECT id FROM {table} WHERE {condition} AND ({columns}) > ({of_known}) ORDER BY {columns} LIMIT 1)
)
SELECT {columns}, (
       SELECT count(*) FROM (
              SELECT 1 FROM {table}
               WHERE {condition} AND ({columns}) = ({of_known}) AND at >= %s AND at < %s
               LIMIT {most}
       ) AS counted)
  FROM known
"""


def counted(
    table: str, columns: Sequence[str], condition: str, start: dt.datetime, end: dt.datetime
) -> dict[tuple[str, ...], int]:
    """Return how many rows of ``table`` there are from ``start`` up to ``end`` by the values of ``columns``.

    At most MOST are counted of each. The most frequent stand first, and what did not happen is left out. ``table``,
    ``columns`` and ``condition`` are the caller's own words, and those of an index: (columns, at) where condition.
    """
    statement = _COUNTED.format(
        table=table,
        columns=", ".join(columns),
        condition=condition,
        of_found=", ".join(f"found.{column}" for column in columns),
        of_known=", ".join(f"known.{column}" for column in columns),
        most=MOST,
    )
    period = [connection.ops.adapt_datetimefield_value(moment) for moment in (start, end)]
    with connection.cursor() as cursor:
        cursor.execute(statement, period)
        found = [(tuple(values), times) for *values, times in cursor.fetchall() if times]
    return dict(sorted(found, key=lambda kind: (-kind[1], kind[0])))


def spoken(times: int) -> str:
    """Return a count as a person reads it: ``2,000+`` where there may be more."""
    return f"{times:,}{'+' if times == MOST else ''}"
