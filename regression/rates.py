"""How each tripwire's rate went over a period: its window at a few moments. Reads as much whatever the table holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from django.db import connection

from governance import tallies
from regression.models import RegressionPolicy
from regression.rules import END

MOST_EVENTS = 1_000  # of a window, so that a long one is read as fast as a short one

_NEWEST = "(SELECT id FROM kpi_event WHERE at <= %s ORDER BY at DESC, id DESC LIMIT 1)"
# As in selectors: PostgreSQL is given rows to compare, SQLite is told its index.
_WINDOW = {
    "postgresql": """
       SELECT {columns} FROM kpi_event
        WHERE (domain, metric, id) > (named.domain, named.metric, 0)
          AND (domain, metric, id) <= (named.domain, named.metric, moments.until)
        ORDER BY domain DESC, metric DESC, id DESC LIMIT {most}
""",
    "sqlite": """
       SELECT {columns} FROM kpi_event INDEXED BY kpi_newest
        WHERE domain = named.domain AND metric = named.metric AND id <= moments.until
        ORDER BY id DESC LIMIT {most}
""",
}
_RATE = """
SELECT {number}, place, (
       SELECT avg(coalesce(value, CASE WHEN success THEN 1.0 ELSE 0.0 END)) FROM ({window}) AS seen
       )
  FROM moments, (SELECT %s AS domain, %s AS metric) AS named
"""
_SINCE = """
SELECT named.id, (SELECT count(*) FROM ({window}) AS seen WHERE at >= %s)
  FROM regression_policy AS named, (SELECT {end} AS until) AS moments
"""


def at_moments(policies: Sequence[RegressionPolicy], moments: Sequence[dt.datetime]) -> list[list[float | None]]:
    """Return of each of ``policies`` the mean of its window (successes as 1) at each of ``moments``, in two queries.

    The window is the last ``window_events`` events up to the moment, at most ``MOST_EVENTS``, those of trips too.
    None stands where there was no event yet, or none is kept.
    """
    found: list[list[float | None]] = [[None] * len(moments) for _policy in policies]
    known = [(place, newest) for place, newest in enumerate(newest_ids(moments)) if newest is not None]
    if not policies or not known:
        return found
    rates = [
        _RATE.format(number=number, window=_window("id, success, value", min(policy.window_events, MOST_EVENTS)))
        for number, policy in enumerate(policies)
    ]
    until = ", ".join(f"({place}, {newest})" for place, newest in known)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH moments(place, until) AS (VALUES {until}) {' UNION ALL '.join(rates)}",
            [name for policy in policies for name in (policy.domain, policy.metric)],
        )
        for tripwire, place, mean in cursor.fetchall():
            found[tripwire][place] = None if mean is None else float(mean)
    return found


def events_since(start: dt.datetime) -> dict[int, int]:
    """Return how many events each policy's tripwire has had since ``start``, by the policy's id; at most tallies.MOST.

    One query, which reads so many of each tripwire's newest events and no more.
    """
    window = _window("at", tallies.MOST)
    with connection.cursor() as cursor:
        cursor.execute(_SINCE.format(window=window, end=END), [connection.ops.adapt_datetimefield_value(start)])
        return dict(cursor.fetchall())


def newest_ids(moments: Sequence[dt.datetime]) -> list[int | None]:
    """Return the id of the newest event at each moment."""
    period = [connection.ops.adapt_datetimefield_value(moment) for moment in moments]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join([_NEWEST] * len(moments))}", period)
        return list(cursor.fetchone())


def _window(columns: str, most: int) -> str:
    return _WINDOW[connection.vendor].format(columns=columns, most=most)
