"""Rows as files, a piece at a time: CSV that a spreadsheet does not execute, and JSON."""

from __future__ import annotations

import csv
import io
import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.http import StreamingHttpResponse

from governance import clock, money

PIECE = 1_000  # rows in one piece of the answer
# What a spreadsheet takes for a formula (OWASP, CSV injection).
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
Row = Mapping[str, Any]


class _Numbers(DjangoJSONEncoder):
    """Money is a number in JSON, as the API gives it."""

    def default(self, o: Any) -> Any:
        return float(o) if isinstance(o, Decimal) else super().default(o)


def named(model: type[models.Model]) -> dict[str, str]:
    """Return what each column of ``model`` is called in a file: money carries its currency in its name."""
    currency = settings.VALHALLA_CURRENCY.lower()
    return {
        field.attname: f"{field.attname}_{currency}" if isinstance(field, money.MinorUnitsField) else field.attname
        for field in model._meta.concrete_fields
    }


def answer(form: str, rows: Iterable[Row], columns: Sequence[str], name: str) -> StreamingHttpResponse:
    """Return ``rows``, each a mapping of ``columns``, as a file: ``form`` is ``csv`` or ``json``."""
    written, kind = _FORMS[form]
    told = f"{name}-{clock.now():%Y%m%dT%H%M%SZ}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{told}"'}
    return StreamingHttpResponse(written(rows, columns), content_type=f"{kind}; charset=utf-8", headers=headers)


def _csv(rows: Iterable[Row], columns: Sequence[str]) -> Iterator[str]:
    yield _lines([columns])
    for piece in _pieces(rows):
        yield _lines([_cell(row[name]) for name in columns] for row in piece)


def _lines(rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, dict | list):
        value = json.dumps(value, cls=DjangoJSONEncoder)
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{value}"
    return value.isoformat() if hasattr(value, "isoformat") else value


def _json(rows: Iterable[Row], _columns: Sequence[str]) -> Iterator[str]:
    yield "["
    before = "\n"
    for piece in _pieces(rows):
        yield before + ",\n".join(json.dumps(row, cls=_Numbers) for row in piece)
        before = ",\n"
    yield "\n]\n"


def _pieces(rows: Iterable[Row]) -> Iterator[list[Row]]:
    left = iter(rows)
    while piece := list(itertools.islice(left, PIECE)):
        yield piece


_FORMS = {"csv": (_csv, "text/csv"), "json": (_json, "application/json")}
FORMS = tuple(_FORMS)
