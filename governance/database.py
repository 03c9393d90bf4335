"""What a database error means: a lock that was not to be had in time, or a database that does not answer."""

from __future__ import annotations

from django.db import DatabaseError, InterfaceError

_LOCK_NOT_AVAILABLE, _DEADLOCK = "55P03", "40P01"


def is_lock_timeout(error: DatabaseError | InterfaceError) -> bool:
    """Say whether ``error`` is a wait for a lock that ended: the transaction is rolled back, nothing was changed."""
    if getattr(error.__cause__, "sqlstate", None) in {_LOCK_NOT_AVAILABLE, _DEADLOCK}:
        return True
    return "database is locked" in str(error) or "database table is locked" in str(error)
