"""The canonical text of a row, and its digest."""

from __future__ import annotations

import hashlib
import itertools
import json
import operator
from collections.abc import Callable, Sequence
from typing import Any

# Between the items of an array stands a character that JSON escapes wherever a string has it: so the rows of a batch
# are written by one call, and taken apart again.
_BETWEEN = "\x1f"
_NEXT = f"]{_BETWEEN}["
_UNLIKE_JSON: dict[type, Callable[[Any], Any]] = {bool: int, float: repr}


def _encoder(comma: str) -> Callable[[Any], str]:
    return json.JSONEncoder(
        ensure_ascii=False, separators=(comma, ":"), sort_keys=True, allow_nan=False,
        default=operator.methodcaller("isoformat"),
    ).encode  # fmt: skip


_document, _batch = _encoder(","), _encoder(_BETWEEN)


def texts(table: str, version: int, rows: Sequence[Sequence[Any]]) -> list[str]:
    """Return each row's text: a JSON array of the table, the version and each column's value, integers and strings.

    Times are ISO 8601 in UTC, booleans 0 and 1, doubles the text of their shortest decimal form, documents the text
    that the database keeps of them; an empty column is null.
    """
    if not rows:
        return []
    columns = [
        column if _UNLIKE_JSON.keys().isdisjoint(map(type, column)) else list(map(_plain, column))
        for column in zip(*rows, strict=True)
    ]
    written = _batch(list(zip(itertools.repeat(table), itertools.repeat(version), *columns, strict=False)))
    return [f"[{row.replace(_BETWEEN, ',')}]" for row in written[2:-2].split(_NEXT)]


def _plain(value: Any) -> Any:
    return make(value) if (make := _UNLIKE_JSON.get(value.__class__)) else value


def document(values: Any) -> str:
    """Return a JSON document in its one spelling."""
    return _document(values)


def digest(canonical: str) -> str:
    """Return the SHA-256 of a text, in hexadecimal."""
    return hashlib.sha256(canonical.encode()).hexdigest()


def digests(table: str, version: int, rows: Sequence[Sequence[Any]]) -> list[tuple[int, str]]:
    """Return the id (a row's first value) and the digest of each row."""
    return [(row[0], digest(text)) for row, text in zip(rows, texts(table, version, rows), strict=True)]
