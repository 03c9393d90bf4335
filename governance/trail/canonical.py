"""The canonical text of a row: integers and strings alone, the same on every database, and its digest."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Any

_dump = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), sort_keys=True, allow_nan=False).encode
_PLAIN: dict[type, Callable[[Any], int | str]] = {
    bool: int,
    float: repr,
    dt.datetime: dt.datetime.isoformat,
    dt.date: dt.date.isoformat,
    Decimal: str,
    dict: _dump,
    list: _dump,
}


def text(table: str, version: int, values: Iterable[Any]) -> str:
    """Return a row's text: a JSON array of the table, the version and each column's value.

    Times are ISO 8601 in UTC, booleans 0 and 1, doubles their shortest decimal form, documents JSON with sorted keys;
    an empty column is null.
    """
    return _dump([table, version, *(_plain(value) for value in values)])


def digest(canonical: str) -> str:
    """Return the SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(canonical.encode()).hexdigest()


def digests(table: str, version: int, rows: Iterable[Sequence[Any]]) -> list[tuple[int, str]]:
    """Return the id (a row's first value) and the digest of each row."""
    return [(row[0], digest(text(table, version, row))) for row in rows]


def document(values: Any) -> str:
    """Return a JSON document in its one spelling."""
    return _dump(values)


def _plain(value: Any) -> Any:
    convert = _PLAIN.get(type(value))
    return convert(value) if convert else value
