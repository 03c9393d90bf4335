"""Money: integer minor units (500.00 is 50000) inside, currency units where an operator sets or reads a figure."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models

MINOR_PER_UNIT = 100
MAX_MINOR = 10**15
MAX_UNITS = MAX_MINOR // MINOR_PER_UNIT


class MinorUnitsField(models.BigIntegerField):  # type: ignore[type-arg]  # it takes none at run time
    """A BIGINT of minor units, from 0; the column's name carries no unit, its help text does."""


def to_units(minor: int | None) -> int | Decimal | None:
    """Return ``minor`` in currency units as an exact JSON number: 25000 is 250, 1234 is 12.34; None stays None."""
    if minor is None:
        return None
    whole, rest = divmod(minor, MINOR_PER_UNIT)
    return whole if rest == 0 else Decimal(minor) / MINOR_PER_UNIT


def to_minor(units: Any) -> int:
    """Return currency units (int, Decimal or their text) as minor units; ValueError says what is wrong.

    A float is refused: 0.1 + 0.2 is not 0.3 in it, and a cap that is a cent off is no cap.
    """
    if isinstance(units, bool | float) or not isinstance(units, int | Decimal | str):
        raise ValueError("Must be a number of currency units, such as 250 or 12.34.")
    try:
        amount = Decimal(units.strip() if isinstance(units, str) else units)
    except InvalidOperation:
        raise ValueError("Must be a number of currency units, such as 250 or 12.34.") from None
    if not amount.is_finite():
        raise ValueError("Must be a finite number of currency units.")
    if amount < 0:
        raise ValueError("Must not be negative; 0 allows nothing, null means no cap.")
    if amount > MAX_UNITS:
        raise ValueError(f"Must be at most {MAX_UNITS} currency units.")
    minor = amount * MINOR_PER_UNIT
    if minor != int(minor):
        raise ValueError("Has more than two decimals: currency units have at most two, such as 12.34.")
    return int(minor)


def spoken(minor: int) -> str:
    """Return ``minor`` as a person reads it, with thousands and currency: ``1,500.00 USD``."""
    sign, digits = ("-" if minor < 0 else ""), abs(minor)
    return f"{sign}{digits // MINOR_PER_UNIT:,}.{digits % MINOR_PER_UNIT:02d} {settings.VALHALLA_CURRENCY}"


def validate_minor(value: int) -> None:
    """Refuse minor units outside 0 to 10^15 (a model validator)."""
    if not 0 <= value <= MAX_MINOR:
        raise ValidationError(f"Must be from 0 to {MAX_MINOR} minor units.")
