"""The epoch: one number that grows with every change of the switches, so that an old admission can be told."""

from __future__ import annotations

from django.db import connection
from django.db.models import Max

from governance.errors import Unavailable
from governance.models import AuditEvent, Epoch

# Every decision asks: to make this of a queryset would take ten times as long as to run it.
_CURRENT = "SELECT value FROM governance_epoch WHERE id = 1"
_ADVANCE = "UPDATE governance_epoch SET value = value + 1 WHERE id = 1 RETURNING value"
MISSING = "The epoch's row is missing: run `python manage.py seed_governance`."


def advance() -> int:
    """Add one, in the transaction that changes the switches, and return the new epoch."""
    return _value(_ADVANCE)


def current() -> int:
    """Return the epoch; Unavailable where its row is missing."""
    return _value(_CURRENT)


def _value(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        row: tuple[int] | None = cursor.fetchone()
    if row is None:
        raise Unavailable(MISSING)
    return row[0]


def restore() -> bool:
    """Put the missing row back, above every epoch that there was; say whether it was put.

    Each turn of the switches leaves a row in the trail, so the newest one's id is at least the number of the turns.
    """
    turns = AuditEvent.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return Epoch.objects.get_or_create(pk=1, defaults={"value": turns + 2})[1]
