"""A lock that one process at a time holds over all machines, and that ends with its holder, however that dies.

On PostgreSQL it is an advisory lock of the session. SQLite's database is a file of one machine, and so is the lock: one
beside it. A lease in a row would need a guess of how long a job may take, and keep it from running after a crash.
"""

from __future__ import annotations

import fcntl
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from django.db import DatabaseError, InterfaceError, connection

_JOBS = 0x70B5  # the first half of the key, so that no other advisory lock is taken for one of these


@contextmanager
def alone(name: str) -> Iterator[bool]:
    """Take the lock ``name`` for the length of the block, or yield False at once where another holds it."""
    with _session(name) if connection.vendor == "postgresql" else _file(name) as mine:
        yield mine


@contextmanager
def _session(name: str) -> Iterator[bool]:
    key = [_JOBS, zlib.crc32(name.encode()) - 2**31]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        (mine,) = cursor.fetchone()
    try:
        yield mine
    finally:
        # A session that is gone has let go of its locks.
        with suppress(DatabaseError, InterfaceError):
            if mine:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


@contextmanager
def _file(name: str) -> Iterator[bool]:
    with Path(f"{connection.settings_dict['NAME']}-{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
