"""What a database error means, and a decision that is one statement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

_LOCK_NOT_AVAILABLE, _DEADLOCK = "55P03", "40P01"


def is_lock_timeout(error: DatabaseError | InterfaceError) -> bool:
    """Say whether ``error`` is a wait for a lock that ended: the transaction is rolled back, nothing was changed."""
    if getattr(error.__cause__, "sqlstate", None) in {_LOCK_NOT_AVAILABLE, _DEADLOCK}:
        return True
    return "database is locked" in str(error) or "database table is locked" in str(error)


@contextmanager
def one_statement() -> Iterator[None]:
    """Run a single statement that commits by itself, where ``atomic(durable=True)`` would cost two round trips more.

    Inside a caller's transaction it is refused as that is (RuntimeError).
    """
    if connection.in_atomic_block:
        with transaction.atomic(durable=True):
            yield
    else:
        try:
            yield
        except (OperationalError, InterfaceError):
            # A lost connection, which atomic() would have dropped: kept, it would fail every later call of this thread.
            connection.close_if_unusable_or_obsolete()
            raise
