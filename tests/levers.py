"""Levers as a test wants them: one that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from governance import register


@contextmanager
def withdrawn(name: str) -> Iterator[None]:
    """Let a lever be away inside the block, and put the register back as it was, its order included."""
    standing = register.levers()
    register.withdraw(name)
    try:
        yield
    finally:
        for lever in standing:
            register.withdraw(lever.name)
            register.announce(lever)
