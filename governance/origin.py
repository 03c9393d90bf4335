"""Where a write comes from, for the trail: set once at the edge (API, console, command), read by the audit rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


@dataclasses.dataclass(frozen=True, slots=True)
class Origin:
    """The way in (``via``), the request's id and peer address, for whom, and the change request being applied."""

    via: str = "service"
    request_id: str = ""
    address: str = ""
    on_behalf_of: str = ""
    change_id: int | None = None


_current: ContextVar[Origin] = ContextVar("origin", default=Origin())  # noqa: B039 -- frozen


def current() -> Origin:
    """Return the origin of the call under way."""
    return _current.get()


@contextmanager
def of(**parts: str | int | None) -> Iterator[Origin]:
    """Replace the named parts of the origin inside the block."""
    origin = dataclasses.replace(_current.get(), **parts)  # type: ignore[arg-type]
    token = _current.set(origin)
    try:
        yield origin
    finally:
        _current.reset(token)


def request_id() -> str:
    """Return the id of the request under way, or nothing; the default of the column that keeps it."""
    return current().request_id


def amend(**parts: str | int | None) -> None:
    """Add to the origin for the rest of the call under way (the edge that opened it closes it)."""
    _current.set(dataclasses.replace(_current.get(), **parts))  # type: ignore[arg-type]
