"""What the tests of the risk guard's addresses share."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

RISK = "/api/governance/risk/"
PROBLEM = "application/problem+json"
# What no amount can be, as it stands in a JSON body.
BAD_AMOUNTS = [
    "1.5", "-1", "true", "false", "null", "NaN", "Infinity", "-Infinity", "1000000000000001", "1e400", "[]", "{}",
    '"1.5"', '"12,00"', '"-1"', '"NaN"', '"1e3"', '"ten"', '""', '" "', '"0x10"', '"true"', "9" * 5_000,
]  # fmt: skip


def raw(api: APIClient, path: str, body: str) -> Any:
    return api.generic("POST", RISK + path, body, content_type="application/json")


def ask(api: APIClient, **more: Any) -> dict[str, Any]:
    answer = api.post(RISK + "check-and-reserve", {"engine": "WHOLESALE", "amount": 50_000, "actor": "bot", **more})
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()
    return told


def is_refused_as_malformed(answer: Any, field: str) -> None:
    assert answer.status_code == 400, answer.content
    assert answer["Content-Type"] == PROBLEM
    told = answer.json()
    assert (told["type"], told["title"], told["status"]) == ("about:blank", "Bad Request", 400)
    if told["code"] != "parse_error":  # NaN is no JSON: the whole body is refused
        assert list(told["errors"]) == [field]
        assert field in told["detail"]
    assert told["detail"]
