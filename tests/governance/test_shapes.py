"""Shared serializers: the same answers and the same errors as a new one each time."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework import serializers

from governance import shapes
from governance.fields import BatchField, CountField

pytestmark = pytest.mark.sqlite  # no database is asked


class Item(serializers.Serializer[Any]):
    number = CountField(most=9)
    note = serializers.CharField(required=False, default="")


class Body(Item):
    items = BatchField(child=Item(), most=2)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {**attrs, "seen": True}


GOOD = {"number": "3", "items": [{"number": 1}], "other": 1}
BAD: list[Any] = [
    {},
    {"number": True, "items": []},
    {"number": 1, "items": [{"number": 1}] * 3},
    {"number": 1, "items": [{"number": 1}, {"number": 10}, "x"]},
    {"number": 1, "items": {"number": 1}},
]


def test_what_is_checked_is_what_a_new_serializer_validates() -> None:
    fresh = Body(data=GOOD)
    fresh.is_valid(raise_exception=True)
    assert shapes.checked(Body, GOOD) == shapes.checked(Body, GOOD) == fresh.validated_data


@pytest.mark.parametrize("body", BAD)
def test_what_is_wrong_is_what_a_new_serializer_says(body: Any) -> None:
    with pytest.raises(serializers.ValidationError) as shared:
        shapes.checked(Body, body)
    fresh = Body(data=body)
    assert not fresh.is_valid()
    assert shared.value.detail == fresh.errors
    assert shapes.checked(Body, GOOD)["items"] == [{"number": 1, "note": ""}]


def test_what_is_shown_is_what_a_new_serializer_shows() -> None:
    row = {"number": 4, "note": "n", "items": [{"number": 5, "note": ""}]}
    assert shapes.shown(Body, row) == Body(row).data
