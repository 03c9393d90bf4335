"""The columns that every table of the tripwires has: which tripwire."""

from __future__ import annotations

from decimal import Decimal

from django.db import models


def domain() -> models.CharField[str, str]:
    """Return the column of a domain."""
    return models.CharField(max_length=64, help_text="The domain: the engine whose risk policy a trip throttles.")


def metric() -> models.CharField[str, str]:
    """Return the column of a metric."""
    return models.CharField(max_length=64, help_text="The metric, such as contract_rate.")


def share(default: str, text: str) -> models.DecimalField[Decimal, Decimal]:
    """Return the column of a share from 0 to 1 with six decimals."""
    figure = Decimal(default)
    return models.DecimalField(max_digits=7, decimal_places=6, default=figure, db_default=figure, help_text=text)
