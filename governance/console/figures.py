"""How a person reads a figure: money with its currency, times in UTC with their age, no limit for null."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from rest_framework.serializers import Field

from governance import clock, money
from governance.fields import EndField, FractionField, UnitsField

NO_LIMIT = "no limit"
NO_END = "no end"
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"))


def label(name: str, field: Field[Any, Any, Any, Any] | None = None) -> str:
    """Return a field's name as a label."""
    return str(field.label) if field is not None and field.label else name.replace("_", " ").capitalize()


def shown(value: Any, field: Field[Any, Any, Any, Any] | None = None) -> str:
    """Return a control's ``value``, as a snapshot holds it, as a person reads it."""
    if isinstance(field, EndField):
        return moment(dt.datetime.fromisoformat(value)) if value else NO_END
    if value is None:
        return NO_LIMIT if field is not None and field.allow_null else "-"
    if isinstance(field, UnitsField):
        return money.spoken(money.to_minor(value))
    if isinstance(field, FractionField):
        return f"{value} ({float(value):.1%})"
    return _plain(value, getattr(field, "choices", {}))


def _plain(value: Any, choices: Mapping[Any, Any]) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name.replace('_', ' ')} {_plain(kept, choices)}" for name, kept in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return str(choices.get(value, value))


def moment(at: dt.datetime | None) -> str:
    """Return a time to the minute in UTC, with its age: ``2026-11-24 02:00 UTC (3 min ago)``."""
    return "{} ({})".format(*stamp(at)) if at else "never"


def stamp(at: dt.datetime) -> tuple[str, str]:
    """Return a time to the minute in UTC, and its age."""
    return f"{at.astimezone(dt.UTC):%Y-%m-%d %H:%M} UTC", age(at)


def age(at: dt.datetime) -> str:
    """Return how long ago ``at`` was, or in how long it will be, in its largest unit."""
    seconds = round((clock.now() - at).total_seconds())
    for size, unit in _UNITS:
        if abs(seconds) >= size:
            span = f"{abs(seconds) // size} {unit}"
            return f"{span} ago" if seconds > 0 else f"in {span}"
    return "just now" if seconds >= 0 else "in under a minute"
