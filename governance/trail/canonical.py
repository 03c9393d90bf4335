"""The canonical text of a row, and its digest."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

_PLAIN: dict[type, Callable[[Any], str]] = {dt.datetime: dt.datetime.isoformat, dt.date: dt.date.isoformat}


def _default(value: Any) -> str:
    return _PLAIN[type(value)](value)


_dump = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False, default=_default
).encode


def text(table: str, version: int, values: Iterable[Any]) -> str:
    """Return a row's text: a JSON array of the table, the version and each column's value, integers and strings.

    Times are ISO 8601 in UTC, booleans 0 and 1, doubles the text of their shortest decimal form, documents the text
    that the database keeps of them; an empty column is null.
    """
    plain = [
        repr(value) if value.__class__ is float else +value if value.__class__ is bool else value for value in values
    ]
    return _dump([table, version, *plain])


def digest(canonical: str) -> str:
    """Return the SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(canonical.encode()).hexdigest()


def digests(table: str, version: int, rows: Iterable[Sequence[Any]]) -> list[tuple[int, str]]:
    """Return the id (a row's first value) and the digest of each row."""
    return [(row[0], digest(text(table, version, row))) for row in rows]


def document(values: Any) -> str:
    """Return a JSON document in its one spelling."""
    return _dump(values)
