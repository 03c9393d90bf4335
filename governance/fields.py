"""Serializer fields that every lever's bodies share: names, money, bounded text and JSON documents."""

from __future__ import annotations

import datetime as dt
import math
import re
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance import clock, money, names

_SURROGATE = re.compile("[\ud800-\udfff]")
_YEAR = dt.timedelta(days=366)
MAX_TEXT = 2_000
MAX_DOCUMENT_KEYS = 200
MAX_DOCUMENT_DEPTH = 8
MAX_DOCUMENT_CHARACTERS = 20_000


class EngineField(serializers.CharField):
    """The name of an engine or a domain: stripped and upper-cased."""

    def __init__(self, **kwargs: Any) -> None:
        """Say the form in the schema."""
        kwargs.setdefault("help_text", "Letters, digits, '_', '-', '.', at most 64; stripped and upper-cased.")
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the name in its one spelling."""
        return _named(names.engine, super().to_internal_value(data))


class MetricField(serializers.CharField):
    """The name of a metric: stripped and lower-cased."""

    def __init__(self, **kwargs: Any) -> None:
        """Say the form in the schema."""
        kwargs.setdefault("help_text", "Letters, digits, '_', '-', '.', at most 64; stripped and lower-cased.")
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the name in its one spelling."""
        return _named(names.metric, super().to_internal_value(data))


def _named(spell: Any, value: str) -> str:
    try:
        return str(spell(value))
    except ValueError as wrong:
        raise serializers.ValidationError(str(wrong)) from None


def whole_number(data: Any, *, least: int, most: int, unit: str) -> int:
    """Return ``data`` as an integer from ``least`` to ``most``; ValueError says what is wrong, in ``unit``.

    Takes an integer, its text (form bodies) or a decimal without a fraction; never a boolean.
    """
    wrong = f"Must be a whole number of {unit}, from {least} to {most}."
    if isinstance(data, bool) or not isinstance(data, int | str | Decimal):
        raise ValueError(wrong)
    try:
        number = Decimal(data.strip()) if isinstance(data, str) else Decimal(data)
    except InvalidOperation:
        raise ValueError(wrong) from None
    if not number.is_finite() or not least <= number <= most or number != int(number):
        raise ValueError(wrong)
    if isinstance(data, str) and not data.strip().lstrip("+").isdecimal():
        raise ValueError(wrong)
    return int(number)


@extend_schema_field({"type": "integer", "minimum": 0, "maximum": money.MAX_MINOR})
class MinorUnitsField(serializers.Field[int, Any, Any, Any]):
    """Money as an engine sends it: a whole number of minor units (50000 is 500.00)."""

    def __init__(self, *, least: int = 0, **kwargs: Any) -> None:
        """Take amounts from ``least`` up."""
        self.least = least
        kwargs.setdefault("help_text", f"In minor units: 50000 is 500.00. From {least} to {money.MAX_MINOR}.")
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        """Return the amount in minor units."""
        try:
            return whole_number(data, least=self.least, most=money.MAX_MINOR, unit="minor units (50000 is 500.00)")
        except ValueError as wrong:
            raise serializers.ValidationError(str(wrong)) from None

    def to_representation(self, value: Any) -> int:
        """Return the amount in minor units."""
        return int(value)


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": money.MAX_MINOR})
class AmountField(MinorUnitsField):
    """An amount of at least one minor unit."""

    def __init__(self, **kwargs: Any) -> None:
        """Take amounts from 1 up."""
        super().__init__(least=1, **kwargs)


@extend_schema_field({"type": "number", "minimum": 0, "maximum": money.MAX_UNITS, "multipleOf": 0.01})
class UnitsField(serializers.Field[int, Any, Any, Any]):
    """Money as an operator sets and reads it: a JSON number of currency units (250, 12.34)."""

    def __init__(self, **kwargs: Any) -> None:
        """Say the unit in the schema."""
        kwargs.setdefault("help_text", "In currency units: 250, 12.34.")
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        """Return the figure in minor units."""
        try:
            return money.to_minor(data)
        except ValueError as wrong:
            raise serializers.ValidationError(str(wrong)) from None

    def to_representation(self, value: Any) -> int | Decimal | None:
        """Return the figure in currency units."""
        return money.to_units(value)


class FractionField(serializers.DecimalField):
    """A share from 0 to 1 with up to six decimals, shown as a JSON number."""

    def __init__(self, **kwargs: Any) -> None:
        """Bound it by 0 and 1."""
        kwargs.setdefault("min_value", Decimal(0))
        kwargs.setdefault("max_value", Decimal(1))
        super().__init__(max_digits=7, decimal_places=6, coerce_to_string=False, normalize_output=True, **kwargs)

    def to_internal_value(self, data: Any) -> Decimal:
        """Return the share; a boolean is no number."""
        if isinstance(data, bool):
            raise serializers.ValidationError("Must be a number from 0 to 1.")
        return super().to_internal_value(data)


class NumberField(serializers.FloatField):
    """A finite double; a boolean is no number."""

    default_error_messages: ClassVar = dict.fromkeys(("invalid", "overflow"), "Must be a finite number.")

    def to_internal_value(self, data: Any) -> float:
        """Return the number."""
        if isinstance(data, bool):
            raise serializers.ValidationError("Must be a number, not a boolean.")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """true or false, in JSON or as the text of a form."""

    default_empty_html = serializers.empty
    TRUE_VALUES = {True, "true", "True", "TRUE", "1", "on"}  # noqa: RUF012 -- DRF's own attributes
    FALSE_VALUES = {False, "false", "False", "FALSE", "0", "off"}  # noqa: RUF012
    NULL_VALUES = {None}  # noqa: RUF012 -- the text "null" is no boolean, and must not pass for false

    def to_internal_value(self, data: Any) -> bool:
        """Return the boolean; a number, in JSON, is none."""
        if not isinstance(data, bool | str):
            raise serializers.ValidationError("Must be true or false.")
        return bool(super().to_internal_value(data))


class CountField(serializers.Field[int, Any, Any, Any]):
    """A whole number within bounds; a boolean or a fraction is none."""

    def __init__(self, *, least: int = 0, most: int = 10**9, unit: str = "items", **kwargs: Any) -> None:
        """Take numbers from ``least`` to ``most``; ``unit`` stands in the error."""
        self.least, self.most, self.unit = least, most, unit
        super().__init__(**kwargs)

    def to_internal_value(self, data: Any) -> int:
        """Return the number."""
        try:
            return whole_number(data, least=self.least, most=self.most, unit=self.unit)
        except ValueError as wrong:
            raise serializers.ValidationError(str(wrong)) from None

    def to_representation(self, value: Any) -> int:
        """Return the number."""
        return int(value)


class EndField(serializers.DateTimeField):
    """When something ends by itself: a time to come, to the minute, UTC where it names no offset; null: never."""

    def __init__(self, **kwargs: Any) -> None:
        """Take null for never."""
        super().__init__(allow_null=True, default_timezone=dt.UTC, **kwargs)

    def to_internal_value(self, value: Any) -> dt.datetime:
        """Return the time; one that is past, or more than a year away, is an error."""
        try:
            moment = super().to_internal_value(value).astimezone(dt.UTC).replace(second=0, microsecond=0)
        except OverflowError:
            raise serializers.ValidationError("Is beyond the calendar.") from None
        if not clock.now() < moment <= clock.now() + _YEAR:
            raise serializers.ValidationError("Must be a time to come, within a year, such as 2026-11-24T18:00:00Z.")
        return moment


class BatchField(serializers.ListField):
    """The items of a batch, at least one."""

    def __init__(self, *, most: int, **kwargs: Any) -> None:
        """Take up to ``most`` items."""
        self.most = most
        super().__init__(min_length=1, max_length=most, **kwargs)

    def to_internal_value(self, data: Any) -> list[Any]:
        """Return the items; too many are refused before any of them is looked at."""
        if isinstance(data, list) and len(data) > self.most:
            raise serializers.ValidationError(f"Holds {len(data)} items: send at most {self.most} at a time.")
        return super().to_internal_value(data)


class TextField(serializers.CharField):
    """Text of bounded length, without NUL bytes."""

    def __init__(self, **kwargs: Any) -> None:
        """Bound its length."""
        kwargs.setdefault("max_length", MAX_TEXT)
        super().__init__(**kwargs)


@extend_schema_field({"type": "object", "additionalProperties": True})
class DocumentField(serializers.Field[dict[str, Any], Any, Any, Any]):
    """A JSON object that an engine sends along (a recommendation, its evidence): bounded, and stored as it is."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the document with fractions as doubles; too deep, too large or unstorable is an error."""
        if isinstance(data, str):
            raise serializers.ValidationError("Must be a JSON object: send the body as application/json.")
        if not isinstance(data, dict):
            raise serializers.ValidationError('Must be a JSON object, such as {"offer_id": 123}.')
        budget = [MAX_DOCUMENT_KEYS, MAX_DOCUMENT_CHARACTERS]
        document: dict[str, Any] = _plain(data, MAX_DOCUMENT_DEPTH, budget)
        return document

    def to_representation(self, value: Any) -> Any:
        """Return the document."""
        return value


def _plain(node: Any, depth: int, budget: list[int]) -> Any:
    if depth == 0:
        raise serializers.ValidationError(f"Is nested more than {MAX_DOCUMENT_DEPTH} levels deep.")
    if isinstance(node, dict):
        return {_text(key, budget): _plain(value, depth - 1, _less(budget, 0, 1)) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(item, depth - 1, _less(budget, 0, 1)) for item in node]
    if isinstance(node, str):
        return _text(node, budget)
    if isinstance(node, Decimal):
        number = float(node)
        if not math.isfinite(number):
            raise serializers.ValidationError("Holds a number that is too large.")
        return number
    if isinstance(node, int) and not isinstance(node, bool) and abs(node) >= 2**63:
        raise serializers.ValidationError("Holds a whole number beyond 64 bits: send it as text.")
    return node


def _text(text: str, budget: list[int]) -> str:
    _less(budget, 1, len(text))
    if "\0" in text or _SURROGATE.search(text):
        raise serializers.ValidationError("Holds a character that cannot be stored (NUL or half a surrogate pair).")
    return text


def _less(budget: list[int], which: int, by: int) -> list[int]:
    budget[which] -= by
    if budget[which] < 0:
        limits = f"{MAX_DOCUMENT_KEYS} values and {MAX_DOCUMENT_CHARACTERS} characters"
        raise serializers.ValidationError(f"Is too large: at most {limits}.")
    return budget
