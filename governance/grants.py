"""What lets a service loosen a control while four eyes is on: the door gives it for the length of one approved change.

A service that is called past the door, from a shell or by other code, holds no grant and raises ``Unapproved``. What
tightens asks for none, so no tripwire, kill or throttle waits for one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings

from governance.errors import Unapproved

_held: ContextVar[bool] = ContextVar("grant", default=False)


@contextmanager
def given() -> Iterator[None]:
    """Let services loosen inside the block. ``governance.approvals`` alone calls this, for what was approved."""
    token = _held.set(True)
    try:
        yield
    finally:
        _held.reset(token)


def demand(loosening: Collection[str]) -> None:
    """Raise Unapproved if ``loosening`` names anything, four eyes is on, and the door has not approved it."""
    if loosening and settings.FOUR_EYES and not _held.get():
        named = ", ".join(sorted(loosening))
        raise Unapproved(f"This loosens a control ({named}) and needs a second person: submit it to the door.")
