"""What a database error means, a decision that is one statement, a read that opens a request, and what is migrated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    connection,
    connections,
    transaction,
)
from django.db.migrations.recorder import MigrationRecorder
from django.db.models import Model
from django.db.transaction import TransactionManagementError

_LOCK_NOT_AVAILABLE, _DEADLOCK = "55P03", "40P01"
Read = TypeVar("Read")
# Sent ahead of a call of one of PostgreSQL's functions, in the same round trip and transaction: the default of the
# request_id column of what the function inserts. The call's own answer is the cursor's next set.
FROM_REQUEST = "SELECT set_config('valhalla.request_id', %s, true);"


def is_lock_timeout(error: DatabaseError | InterfaceError) -> bool:
    """Say whether ``error`` is a wait for a lock that ended: the transaction is rolled back, nothing was changed."""
    if getattr(error.__cause__, "sqlstate", None) in {_LOCK_NOT_AVAILABLE, _DEADLOCK}:
        return True
    return "database is locked" in str(error) or "database table is locked" in str(error)


def applied_migrations(using: str = "default") -> set[tuple[str, str]]:
    """Return the migrations that are applied to a database, by app and name; none where it was never migrated."""
    recorder = MigrationRecorder(connections[using])
    # Django's own question makes an object of each row, for a checklist that asks it twice.
    return set(recorder.migration_qs.values_list("app", "name")) if recorder.has_table() else set()


def locking(select: str) -> str:
    """Return ``select``, in plain SQL, so that it locks its rows; TransactionManagementError where nothing would.

    SQLite has one writer at a time, which is all there is to lock.
    """
    if not connection.in_atomic_block:
        raise TransactionManagementError("A lock outlives no statement outside of a transaction.")
    return f"{select} FOR UPDATE" if connection.features.has_select_for_update else select


def inserted(row: Model, **named: Any) -> bool:
    """Insert a new row, ``named`` so that there can be one; say whether nobody was first."""
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        if not type(row)._default_manager.filter(**named).exists():
            raise
        return False
    return True


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


def opening_read(read: Callable[[], Read]) -> Read:
    """Return what ``read`` does, where it is a request's first query and so the check of its connection too.

    Django would try the connection in a round trip of its own, which is half of what such a read costs. Where it turns
    out to be dead, it is replaced and read once more: ``read`` must write nothing.
    """
    line: Any = connection  # the stubs know nothing of its health
    unproven = line.connection is not None and line.health_check_enabled and not line.health_check_done
    line.health_check_done = True
    try:
        return read()
    except (OperationalError, InterfaceError):
        if not unproven or connection.in_atomic_block:
            raise
        connection.close()
        return read()
