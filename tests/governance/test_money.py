from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from governance import money

pytestmark = pytest.mark.sqlite  # no database is asked


@pytest.mark.parametrize(
    ("units", "minor"),
    [
        (250, 25_000), (0, 0), ("12.34", 1_234), (" 12.3 ", 1_230), (Decimal("0.01"), 1), (Decimal("1E+2"), 10_000),
        (Decimal("12.340"), 1_234), (10**13, 10**15), (Decimal("9999999999999.99"), 10**15 - 1), ("-0", 0),
    ],
)  # fmt: skip
def test_currency_units_become_minor_units(units: Any, minor: int) -> None:
    assert money.to_minor(units) == minor


@pytest.mark.parametrize(
    ("units", "said"),
    [
        (True, "Must be a number"), (None, "Must be a number"), ([], "Must be a number"), ("ten", "Must be a number"),
        ("", "Must be a number"), (0.1, "Must be a number"), (-1, "Must not be negative"),
        (Decimal("-0.01"), "Must not be negative"), (Decimal("0.001"), "more than two decimals"),
        ("12.345", "more than two decimals"), (10**13 + 1, "Must be at most 10000000000000"),
        (Decimal("10000000000000.01"), "Must be at most"), (Decimal("NaN"), "finite"), ("Infinity", "finite"),
        (Decimal("-Infinity"), "finite"), ("1e999999999", "Must be at most"),
    ],
)  # fmt: skip
def test_what_is_no_amount_of_money_is_refused_with_a_sentence(units: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        money.to_minor(units)


@given(minor=st.integers(0, money.MAX_MINOR))
def test_no_minor_unit_is_lost_on_the_way_out_and_back(minor: int) -> None:
    shown = money.to_units(minor)
    assert money.to_minor(shown) == money.to_minor(str(shown)) == minor


def test_whole_units_are_shown_without_decimals_and_no_cap_as_null() -> None:
    assert [repr(money.to_units(minor)) for minor in (25_000, 1_234, 1_230, 0, None)] == [
        "250", "Decimal('12.34')", "Decimal('12.3')", "0", "None",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("minor", "spoken"),
    [
        (0, "0.00 EUR"),
        (5, "0.05 EUR"),
        (150_000, "1,500.00 EUR"),
        (-5, "-0.05 EUR"),
        (10**15, "10,000,000,000,000.00 EUR"),
    ],
)
def test_money_is_spoken_with_thousands_and_currency(minor: int, spoken: str, settings: LazySettings) -> None:
    settings.VALHALLA_CURRENCY = "EUR"
    assert money.spoken(minor) == spoken


@pytest.mark.parametrize(("minor", "fits"), [(-1, False), (0, True), (10**15, True), (10**15 + 1, False)])
def test_the_models_validator_takes_what_the_ledger_can_hold(minor: int, fits: bool) -> None:
    if fits:
        money.validate_minor(minor)
    else:
        with pytest.raises(ValidationError, match="Must be from 0 to 1000000000000000 minor units"):
            money.validate_minor(minor)
