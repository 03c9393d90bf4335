"""Controls that are loosened for a time: the columns that hold the end, what happens at it, and the words for it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from django.db import models, transaction
from django.db.models import Q, Value

from governance import audit, clock, overrides, register
from governance.overrides import Looser
from governance.rows import Row

ACTOR = "end_overrides"
NOTHING_ENDS = "Nothing here ends: give it with a control that is loosened by this change"
UNTIL = "When what this loosens goes back to how it stood before (UTC), by itself; null, or left empty: never."


class Overridable(Row):
    """Controls that may be loosened until a time. ``ENDING`` are those that an end takes back, by ``is_looser``.

    At the end they go back by ``end_overrides``, and by whoever locks the row to decide on it or to change it.
    """

    ENDING: ClassVar[frozenset[str]]
    is_looser: ClassVar[Looser]

    until = models.DateTimeField(
        null=True, blank=True, help_text="When what was loosened goes back to how it stood (UTC); empty: never."
    )
    fallback = models.JSONField(
        default=dict, db_default=Value({}, models.JSONField()), blank=True,
        help_text="What controls go back to then, as they stood.",
    )  # fmt: skip

    class Meta:
        abstract = True

    @property
    def falls_back_to(self) -> dict[str, Any]:
        """Return what controls go back to, as their fields have it."""
        kept = [field for field in self._meta.concrete_fields if field.name in self.fallback]
        return {field.name: field.to_python(self.fallback[field.name]) for field in kept}

    def has_ended(self) -> bool:
        """Say whether what was loosened for a time has to go back by now, by the database's clock."""
        return bool(self.fallback) and self.until is not None and self.until <= clock.database_now()

    def gone_back(self) -> dict[str, Any]:
        """Return the patch that the end is."""
        return {**self.falls_back_to, "until": None}

    def end(self) -> dict[str, Any]:
        """Return the end as a snapshot of the controls has it."""
        return {"until": self.until, **({"falls_back_to": self.fallback} if self.fallback else {})}

    def standing(self, patch: Mapping[str, Any]) -> dict[str, Any]:
        """Return how the controls of ``patch`` and those with an end stand, as their fields have them."""
        named = {name: getattr(self, name) for name in {*patch, *self.ENDING, "until"}}
        return {**named, "falls_back_to": self.falls_back_to}

    def would_fall_back_to(self, patch: Mapping[str, Any]) -> dict[str, Any]:
        """Return what controls would go back to after ``patch``, as their fields have it."""
        return overrides.falls_back_to(self.standing(patch), patch, self.ENDING, self.is_looser)

    def take(self, patch: Mapping[str, Any]) -> None:
        """Take over what ``patch`` sets, with what it goes back to; the end goes with the last control that has it."""
        self.fallback = audit.canonical(self.would_fall_back_to(patch))
        for name, value in patch.items():
            setattr(self, name, value)
        if not self.fallback and not self.is_reminded():
            self.until = None

    def is_reminded(self) -> bool:
        """Say whether the end of what loosens nothing asks a person to look."""
        return False


def has_end(name: str) -> models.CheckConstraint:
    """Return the constraint that nothing goes back without an end."""
    return models.CheckConstraint(condition=Q(until__isnull=False) | Q(fallback={}), name=name)


def end(rows: models.QuerySet[Any], lock: Callable[[Any], Any], name: Callable[[Any], str] = str) -> list[str]:
    """Let what is over among ``rows`` go back, which ``lock`` does, each in its own transaction; name them."""
    ended = []
    for row in rows.filter(until__lte=clock.database_now()).exclude(fallback={}):
        with transaction.atomic():
            lock(row)
        ended.append(name(row))
    return ended


def end_all() -> list[str]:
    """Let go back what is over, of every lever, and name it."""
    return [name for lever in register.levers() for name in lever.ends()]


def minute(moment: dt.datetime) -> str:
    """Return a time to the minute, in UTC."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC"


def over(until: dt.datetime | None) -> str:
    """Say that what was loosened for a time is over."""
    return f"What was loosened until {minute(until)} is over." if until else ""


def effect_of(row: Overridable, patch: Mapping[str, Any]) -> list[str]:
    """Say what the end in ``patch`` means for ``row`` as it stands: what goes back to what, and when."""
    if not patch.get("until"):
        return []
    back = row.would_fall_back_to(patch)
    said = [f"{name.replace('_', ' ')} = {_plain(value)}" for name, value in back.items()]
    return [f"At {minute(patch['until'])} {row} goes back to {', '.join(said)}."]


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)
