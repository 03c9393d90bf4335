from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from rest_framework import serializers
from rest_framework.fields import Field

from governance import fields
from governance.money import MAX_MINOR

pytestmark = pytest.mark.sqlite  # no database is asked
NUL = "Null characters are not allowed"
SURROGATE = "Surrogate characters are not allowed"


def _refused(field: Field[Any, Any, Any, Any], data: Any, said: str) -> None:
    with pytest.raises(serializers.ValidationError) as raised:
        field.run_validation(data)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("field", "data", "value"),
    [
        (fields.EngineField(), " wholesale ", "WHOLESALE"),
        (fields.MetricField(), "Contract_Rate", "contract_rate"),
        (fields.AmountField(), 1, 1),
        (fields.AmountField(), MAX_MINOR, MAX_MINOR),
        (fields.AmountField(), " 500 ", 500),
        (fields.AmountField(), "+5", 5),
        (fields.AmountField(), Decimal("5.0"), 5),
        (fields.MinorUnitsField(), 0, 0),
        (fields.UnitsField(), Decimal("12.34"), 1_234),
        (fields.FractionField(), Decimal("0.000001"), Decimal("0.000001")),
        (fields.FractionField(), 1, Decimal(1)),
        (fields.NumberField(), Decimal("-0.5"), -0.5),
        (fields.NumberField(), "1e3", 1000.0),
        (fields.CountField(least=2, most=4), 2, 2),
        (fields.CountField(least=2, most=4), "4", 4),
        (fields.StrictBooleanField(), "on", True),
        (fields.StrictBooleanField(), "0", False),
        (fields.StrictBooleanField(), False, False),
        (fields.TextField(max_length=3), " abc ", "abc"),
        (
            fields.DocumentField(),
            {"a": [1, Decimal("0.5"), None, True, {"b": "x"}]},
            {"a": [1, 0.5, None, True, {"b": "x"}]},
        ),
        (fields.DocumentField(), {"n": 2**63 - 1}, {"n": 2**63 - 1}),
    ],
)
def test_takes(field: Field[Any, Any, Any, Any], data: Any, value: Any) -> None:
    taken = field.run_validation(data)
    assert taken == value
    assert type(taken) is type(value)


@pytest.mark.parametrize(
    ("field", "data", "said"),
    [
        (fields.EngineField(), "a b", "Has a character that a name cannot have"),
        (fields.EngineField(), "x" * 65, "Is 65 characters long"),
        (fields.EngineField(), "a\0", "Has a character that a name cannot have"),
        (fields.MetricField(), "", "may not be blank"),
        (fields.MetricField(), True, "Not a valid string"),
        (fields.MetricField(), ["a"], "Not a valid string"),
        (fields.AmountField(), 0, "Must be a whole number of minor units (50000 is 500.00), from 1"),
        (fields.AmountField(), MAX_MINOR + 1, "from 1 to 1000000000000000"),
        (fields.AmountField(), -1, "from 1"),
        (fields.AmountField(), Decimal("1.5"), "Must be a whole number"),
        (fields.AmountField(), Decimal("1e999999999"), "Must be a whole number"),
        (fields.AmountField(), "1.0", "Must be a whole number"),
        (fields.AmountField(), "1e3", "Must be a whole number"),
        (fields.AmountField(), "NaN", "Must be a whole number"),
        (fields.AmountField(), "", "Must be a whole number"),
        (fields.AmountField(), True, "Must be a whole number"),
        (fields.AmountField(), None, "may not be null"),
        (fields.AmountField(), {}, "Must be a whole number"),
        (fields.MinorUnitsField(), -1, "from 0"),
        (fields.UnitsField(), Decimal("0.001"), "more than two decimals"),
        (fields.UnitsField(), -1, "Must not be negative"),
        (fields.FractionField(), True, "Must be a number from 0 to 1"),
        (fields.FractionField(), Decimal("1.000001"), "less than or equal to 1"),
        (fields.FractionField(), Decimal("-0.000001"), "greater than or equal to 0"),
        (fields.FractionField(), Decimal("0.0000001"), "no more than 6 decimal places"),
        (fields.FractionField(), "NaN", "A valid number is required"),
        (fields.NumberField(), True, "not a boolean"),
        (fields.NumberField(), Decimal("1e400"), "Must be a finite number"),
        (fields.NumberField(), "inf", "Must be a finite number"),
        (fields.NumberField(), "nan", "Must be a finite number"),
        (fields.NumberField(), 10**400, "Must be a finite number"),
        (fields.NumberField(), "ten", "Must be a finite number"),
        (fields.CountField(least=2, most=4, unit="trials"), 1, "Must be a whole number of trials, from 2 to 4"),
        (fields.CountField(least=2, most=4), 5, "from 2 to 4"),
        (fields.StrictBooleanField(), 1, "Must be true or false"),
        (fields.StrictBooleanField(), "null", "Must be a valid boolean"),
        (fields.StrictBooleanField(), None, "may not be null"),
        (fields.TextField(max_length=3), "abcd", "no more than 3 characters"),
        (fields.TextField(), "a\0b", NUL),
        (fields.TextField(), "a\ud800b", SURROGATE),
        (fields.DocumentField(), [], "Must be a JSON object, such as"),
        (fields.DocumentField(), "{}", "send the body as application/json"),
        (fields.DocumentField(), {"a": "\0"}, "a character that cannot be stored"),
        (fields.DocumentField(), {"\ud800": 1}, "a character that cannot be stored"),
        (fields.DocumentField(), {"a": 2**63}, "beyond 64 bits"),
        (fields.DocumentField(), {"a": Decimal("1e400")}, "a number that is too large"),
    ],
)  # fmt: skip
def test_refuses_with_a_sentence(field: Field[Any, Any, Any, Any], data: Any, said: str) -> None:
    _refused(field, data, said)


def _nested(depth: int) -> dict[str, Any]:
    return {"a": _nested(depth - 1)} if depth else {}


@pytest.mark.parametrize(
    ("document", "fits"),
    [
        (_nested(fields.MAX_DOCUMENT_DEPTH - 1), True),
        (_nested(fields.MAX_DOCUMENT_DEPTH), False),
        ({str(key): 1 for key in range(fields.MAX_DOCUMENT_KEYS)}, True),
        ({str(key): 1 for key in range(fields.MAX_DOCUMENT_KEYS + 1)}, False),
        ({"a": [1] * (fields.MAX_DOCUMENT_KEYS - 1)}, True),
        ({"a": [1] * fields.MAX_DOCUMENT_KEYS}, False),
        ({"a": "x" * (fields.MAX_DOCUMENT_CHARACTERS - 1)}, True),
        ({"a": "x" * fields.MAX_DOCUMENT_CHARACTERS}, False),
    ],
)
def test_a_document_is_bounded_in_depth_values_and_characters(document: dict[str, Any], fits: bool) -> None:
    if fits:
        assert fields.DocumentField().run_validation(document) == document
    else:
        _refused(fields.DocumentField(), document, "nested more than" if "a" in document.get("a", "") else "too large")


def test_money_and_counts_are_shown_as_numbers() -> None:
    assert fields.AmountField().to_representation(500) == 500
    assert fields.UnitsField().to_representation(1_234) == Decimal("12.34")
    assert fields.CountField().to_representation(7) == 7
    assert fields.FractionField().to_representation(Decimal("0.920000")) == Decimal("0.92")
    assert fields.DocumentField().to_representation({"a": 1}) == {"a": 1}
