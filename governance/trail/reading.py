"""One reading of everything: audit rows and every lever's events, the newest first."""

from __future__ import annotations

import dataclasses
import datetime as dt
import heapq
from typing import NamedTuple

from django.db.models import Q

from governance.errors import Invalid
from governance.register import Told, Trail
from governance.trail import sources


class Mark(NamedTuple):
    """A row's place in the reading, from the newest to the oldest: time, source, id."""

    at: dt.datetime
    source: str
    id: int


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """One row of the reading."""

    mark: Mark
    told: Told


def cursor(mark: Mark) -> str:
    """Return the place of a line as text, for the next page to begin below it."""
    return f"{mark.at.astimezone(dt.UTC).isoformat()}~{mark.source}~{mark.id}"


def mark(cursor: str) -> Mark | None:
    """Return the place that a cursor names, None for an empty one; Invalid where it is none."""
    if not cursor:
        return None
    try:
        at, source, row = cursor.split("~")
        moment = dt.datetime.fromisoformat(at)
        if moment.tzinfo is None:
            raise ValueError("no time zone")
        return Mark(moment, source, int(row))
    except ValueError:
        raise Invalid({"cursor": ["Is no cursor of this list: send the one of the answer before, or none."]}) from None


def page(
    *, most: int, below: Mark | None = None, since: dt.datetime | None = None, source: str = "", actor: str = ""
) -> list[Line]:
    """Return up to ``most`` lines older than ``below``, the newest first: one query a source, by time."""
    asked = [trail for trail in sources.every() if source in {"", trail.name}]
    read = [_newest(trail, most, below, since, actor) for trail in asked]
    return list(heapq.merge(*read, key=lambda line: line.mark, reverse=True))[:most]


def correlated(correlation_id: str, *, most: int) -> list[Line]:
    """Return up to ``most`` rows of each source that bear ``correlation_id``, the oldest first, by their indexes."""
    bearing = [trail for trail in sources.every() if _bears_correlation(trail)] if correlation_id else []
    lines = [
        Line(Mark(row.at, trail.name, row.pk), trail.told(row))
        for trail in bearing
        for row in trail.model._default_manager.filter(correlation_id=correlation_id).order_by("pk")[:most]
    ]
    return sorted(lines, key=lambda line: line.mark)


def _bears_correlation(trail: Trail) -> bool:
    return any(field.name == "correlation_id" for field in trail.model._meta.get_fields())


def _newest(trail: Trail, most: int, below: Mark | None, since: dt.datetime | None, actor: str) -> list[Line]:
    rows = trail.model._default_manager.order_by("-at", "-id")
    if below is not None:
        older = Q(at__lt=below.at)
        if trail.name == below.source:
            older |= Q(at=below.at, id__lt=below.id)
        elif trail.name < below.source:
            older |= Q(at=below.at)
        rows = rows.filter(older, at__lte=below.at)
    if since is not None:
        rows = rows.filter(at__gte=since)
    if actor:
        rows = rows.filter(actor=actor)
    return [Line(Mark(row.at, trail.name, row.pk), trail.told(row)) for row in rows[:most]]
