"""The one source of time. Days are UTC days, and money counts by the database's clock, never by a worker's."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection

_fixed: ContextVar[dt.datetime | None] = ContextVar("fixed_clock", default=None)


def now() -> dt.datetime:
    """Return this process's time (aware, UTC): for stamps that nothing is counted by."""
    return _fixed.get() or dt.datetime.now(dt.UTC)


def database_now() -> dt.datetime:
    """Return the database's time at this call (aware, UTC), not that of the transaction's start.

    PostgreSQL's ``now()`` stands still for a whole transaction, so a reservation that waited for its lock over
    midnight would count on yesterday; ``clock_timestamp()`` moves on. SQLite lives in this process and has no other
    clock than ours.
    """
    fixed = _fixed.get()
    if fixed is not None:
        return fixed
    if connection.vendor != "postgresql":
        return dt.datetime.now(dt.UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: dt.datetime = cursor.fetchone()[0]
    return moment.astimezone(dt.UTC)


def midnight(day: dt.date) -> dt.datetime:
    """Return the moment at which a UTC day begins."""
    return dt.datetime.combine(day, dt.time(), dt.UTC)


def fixed() -> dt.datetime | None:
    """Return the moment that a simulation has fixed, or None while time runs by itself."""
    return _fixed.get()


@contextmanager
def at(moment: dt.datetime) -> Iterator[None]:
    """Fix both clocks at ``moment`` (aware) inside the block: for demo history, simulations and tests."""
    token = _fixed.set(moment.astimezone(dt.UTC))
    try:
        yield
    finally:
        _fixed.reset(token)
