"""Heimdall over HTTP, as tests call it."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

BASE = "/api/governance/heimdall/"
PROBLEM = "application/problem+json"
FORM = "application/x-www-form-urlencoded"
DOMAIN = "PRICING"
LISTS = ["scorecard", "recommendations", "events"]
WRITES = {
    "policies/upsert": {"domain": DOMAIN, "prod_use_enabled": False},
    "sandbox/trial": {"domain": DOMAIN, "confidence": 0.9, "success": True},
    "recommend": {"domain": DOMAIN, "confidence": 0.9},
}
NO_CONFIDENCE = [-0.000001, 1.000001, 2, True, False, None, "high", "", "NaN", "inf", [], {}, 10**400]


def post(api: APIClient, path: str, body: dict[str, Any] | None = None, expect: int = 200) -> Any:
    answer = api.post(BASE + path, body or {})
    assert answer.status_code == expect, answer.content
    return answer.json()


def get(api: APIClient, path: str, **query: Any) -> Any:
    answer = api.get(BASE + path, query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def malformed(answer: Any, field: str) -> None:
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM), answer.content
    assert list(answer.json()["errors"]) == [field]
