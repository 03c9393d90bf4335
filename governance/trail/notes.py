"""What retention leaves behind: a row of the trail that says which rows it removed, so that they are no alarm."""

from __future__ import annotations

import bisect
from collections.abc import Mapping, Sequence
from typing import Any

from governance import audit
from governance.models import AuditEvent

RANGES = "ranges"


def removed(
    *, action: str, table: str, ids: Sequence[int], actor: str, reason: str, details: Mapping[str, Any]
) -> AuditEvent:
    """Record, in the transaction that removes them, which rows are removed from an expendable ``table``.

    ``ids`` grow; they are kept as ranges, beside the lever's own ``details``.
    """
    after = {**details, RANGES: _ranges(ids)}
    return audit.record(action=action, target=table, actor=actor, reason=reason, after=after)


class Excused:
    """The rows of a table that notes tell of; the notes are read when the first row is missed."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._ranges: list[tuple[int, int]] | None = None

    def covers(self, row: int) -> bool:
        """Say whether a note tells of the removal of ``row``."""
        if self._ranges is None:
            notes = AuditEvent.objects.filter(target=self._table).values_list("after", flat=True)
            self._ranges = sorted((first, last) for note in notes for first, last in (note or {}).get(RANGES, ()))
        at = bisect.bisect_right(self._ranges, (row, row)) - 1
        # The range that begins at ``row`` itself sorts after (row, row) where it is longer than one row.
        return any(first <= row <= last for first, last in self._ranges[max(0, at) : at + 2])


def _ranges(ids: Sequence[int]) -> list[list[int]]:
    ranges: list[list[int]] = []
    for row in ids:
        if ranges and row == ranges[-1][1] + 1:
            ranges[-1][1] = row
        else:
            ranges.append([row, row])
    return ranges
