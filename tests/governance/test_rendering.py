from __future__ import annotations

import datetime as dt
import io
import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.utils.translation import gettext_lazy
from rest_framework.exceptions import ParseError

from governance.rendering import JSONParser, JSONRenderer

pytestmark = pytest.mark.sqlite  # no database is asked


def _written(data: Any, accept: str = "application/json") -> str:
    return str(JSONRenderer().render(data, accept).decode())


def _read(body: bytes) -> Any:
    return JSONParser().parse(io.BytesIO(body))


def test_decimals_are_exact_json_numbers() -> None:
    assert _written({"a": Decimal("12.34"), "b": Decimal("0.1"), "c": 250}) == '{"a":12.34,"b":0.1,"c":250}'


def test_times_ids_and_lazy_text_are_written_as_django_writes_them() -> None:
    noon = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
    told = json.loads(_written({"at": noon, "day": noon.date(), "id": uuid.UUID(int=7), "said": gettext_lazy("ja")}))
    assert told == {
        "at": "2026-11-24T12:00:00Z", "day": "2026-11-24", "id": "00000000-0000-0000-0000-000000000007", "said": "ja",
    }  # fmt: skip


def test_nothing_is_written_as_nothing() -> None:
    assert JSONRenderer().render(None) == b""


def test_it_can_be_indented() -> None:
    assert _written({"a": 1}, "application/json; indent=2") == '{\n  "a": 1\n}'


def test_letters_of_every_script_are_written_as_they_are_and_line_ends_of_javascript_are_escaped() -> None:
    assert _written({"a": "ä\u2028\u2029"}) == '{"a":"ä\\u2028\\u2029"}'


def test_half_a_surrogate_pair_is_written_as_the_escape_that_it_came_as() -> None:
    assert _written({"\ud800": "\udfff"}) == '{"\\ud800":"\\udfff"}'


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_what_is_no_json_number_is_never_written(number: float) -> None:
    with pytest.raises(ValueError, match="Out of range float values are not JSON compliant"):
        _written(number)


def test_fractions_are_read_as_decimals_and_whole_numbers_as_integers() -> None:
    assert _read(b'{"a": 0.1, "b": 1e2, "c": 7}') == {"a": Decimal("0.1"), "b": Decimal("1e2"), "c": 7}


@pytest.mark.parametrize("charset", ["utf-8", "latin1", "rot13", "zlib", "nope"])
def test_a_body_is_utf_8_whatever_charset_it_names(charset: str) -> None:
    body = JSONParser().parse(
        io.BytesIO('{"a": "ä"}'.encode()), f"application/json; charset={charset}", {"encoding": charset}
    )
    assert body == {"a": "ä"}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "is not JSON"),
        (b"{", "is not JSON"),
        (b'{"a": NaN}', "NaN is not a JSON number"),
        (b'{"a": -Infinity}', "-Infinity is not a JSON number"),
        (b"\xff\xfe", "is not JSON"),
        ('{"a": "ä"}'.encode("latin1"), "is not JSON"),
        (b"9" * 5_000, "is not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"1", "must be a JSON object"),
    ],
)
def test_a_malformed_body_is_refused_with_a_sentence(body: bytes, said: str) -> None:
    with pytest.raises(ParseError, match=said):
        _read(body)
