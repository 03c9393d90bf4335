"""How far a chain has come in each source, and the rows between two places."""

from __future__ import annotations

import bisect
import operator
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import JSONField, QuerySet, TextField
from django.db.models.functions import Cast

from governance.register import Trail

END = 2**63 - 1
_by_id, _in_order = operator.itemgetter(0), operator.itemgetter(1, 0)


class Place(NamedTuple):
    """How far a chain has sealed a source.

    Rows up to id ``floor`` stood when the chain began; they are sealed in the order of ids, up to ``swept`` so far.
    Later rows are sealed in the order of (transaction, id), up to and with (``tx``, ``id``) so far.
    """

    floor: int = 0
    swept: int = 0
    tx: int = -1
    id: int = 0


def after(trail: Trail, place: Place, columns: Sequence[str], *, horizon: int, most: int) -> list[tuple[Any, ...]]:
    """Return the next ``most`` rows after ``place``, of transactions that ended before ``horizon``."""
    if place.swept < place.floor:
        return list(rows(trail, columns).filter(id__gt=place.swept, id__lte=place.floor).order_by("id")[:most])
    later = rows(trail, columns).filter(id__gt=place.floor)
    # Two look-ups in the index on (tx, id), neither of which walks through what is sealed.
    found = list(later.filter(tx=place.tx, id__gt=place.id).order_by("id")[:most])
    if len(found) < most:
        found += later.filter(tx__gt=place.tx, tx__lt=horizon).order_by("tx", "id")[: most - len(found)]
    return found


def advanced(place: Place, rows: Sequence[tuple[Any, ...]], *, most: int) -> Place:
    """Return the place after ``rows``, whose first two values are id and transaction, when ``most`` were asked for."""
    if len(rows) < most and place.swept < place.floor:
        return place._replace(swept=place.floor)
    if rows and place.swept < place.floor:
        return place._replace(swept=rows[-1][0])
    return place._replace(tx=rows[-1][1], id=rows[-1][0]) if rows else place


def between(
    trail: Trail, start: Place, end: Place, columns: Sequence[str], *, ceiling: int = END
) -> list[tuple[Any, ...]]:
    """Return the rows after ``start`` up to and with ``end``, as they stand now; ``ceiling`` is the chain's last id."""
    if start.swept < start.floor:
        return list(rows(trail, columns).filter(id__gt=start.swept, id__lte=end.swept).order_by("id"))
    if connection.vendor == "sqlite":
        # Ids are the order there; by the index on (tx, id), which all share, reading would take twice as long.
        first = max(start.floor, start.id)
        return list(rows(trail, columns).filter(id__gt=first, id__lte=min(end.id, ceiling)).order_by("id"))
    later = rows(trail, columns).filter(id__gt=start.floor, id__lte=ceiling)
    if start.tx == end.tx:
        return list(later.filter(tx=end.tx, id__gt=start.id, id__lte=end.id).order_by("id"))
    within = later.filter(tx__gte=start.tx, tx__lte=end.tx).order_by("tx", "id")
    return [row for row in within if (start.tx, start.id) < (row[1], row[0]) <= (end.tx, end.id)]


class Ahead:
    """The rows of a source in the order in which they were sealed, read once for many seals and given out seal by seal.

    ``far`` is how far to read at once, and ``ceiling`` as ``between`` takes it.
    """

    def __init__(self, trail: Trail, columns: Sequence[str], far: Place, *, ceiling: int) -> None:
        self._trail, self._columns, self._far, self._ceiling = trail, columns, far, ceiling
        self._rows: list[tuple[Any, ...]] = []
        self._at: tuple[Place, bool] | None = None

    def between(self, start: Place, end: Place) -> list[tuple[Any, ...]]:
        """Return what ``between`` does."""
        if start == end:
            return []
        sweeps = start.swept < start.floor
        if self._at != (start, sweeps):
            self._rows = between(self._trail, start, self._far, self._columns, ceiling=self._ceiling)
        self._at = end, sweeps
        by_id = sweeps or connection.vendor == "sqlite"
        last: Any = (end.swept if sweeps else end.id) if by_id else (end.tx, end.id)
        taken = bisect.bisect_right(self._rows, last, key=_by_id if by_id else _in_order)
        given, self._rows = self._rows[:taken], self._rows[taken:]
        return given


def rows(trail: Trail, columns: Sequence[str]) -> QuerySet[Any, tuple[Any, ...]]:
    """Return the columns of every row; documents as the text that the database keeps, which is not parsed."""
    documents = {field.attname for field in trail.model._meta.concrete_fields if isinstance(field, JSONField)}
    asked = [Cast(name, TextField()) if name in documents else name for name in columns]
    found: QuerySet[Any, tuple[Any, ...]] = trail.model._default_manager.values_list(*asked)
    return found
