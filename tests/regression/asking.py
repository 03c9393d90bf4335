"""What the tests of the tripwire's addresses share."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

BASE = "/api/governance/regression"
FORM = "application/x-www-form-urlencoded"
STATE = {
    "domain", "metric", "triggered", "baseline", "current", "drop_fraction", "baseline_count", "current_count",
    "last_checked_at", "last_triggered_at", "note",
}  # fmt: skip
EVENT = {"domain": "WHOLESALE", "metric": "contract_rate", "actor": "system"}


def post(api: APIClient, path: str, body: dict[str, Any] | None = None, expect: int = 200) -> Any:
    answer = api.post(f"{BASE}/{path}", body or {})
    assert answer.status_code == expect, answer.content
    return answer.json()


def form(api: APIClient, path: str, body: str, expect: int = 200) -> Any:
    answer = api.generic("POST", f"{BASE}/{path}", body, content_type=FORM)
    assert answer.status_code == expect, answer.content
    return answer.json()


def raw(api: APIClient, path: str, body: str) -> Any:
    answer = api.generic("POST", f"{BASE}/{path}", body, content_type="application/json")
    assert answer.status_code == 400, answer.content
    return answer.json()


def get(api: APIClient, path: str, **query: Any) -> Any:
    answer = api.get(f"{BASE}/{path}", query)
    assert answer.status_code == 200, answer.content
    return answer.json()
