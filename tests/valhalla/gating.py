"""The gate, as tests ask it: which paths are what, and how an answer is told from a refusal."""

from __future__ import annotations

from typing import Any

from rest_framework.test import APIClient

from governance import holds

PROBLEM = "application/problem+json"
EXEMPT = [
    "/api/governance", "/api/governance/", "/api/governance/go-live/state", "/api/system/status", "/health",
    "/health/ready", "/docs", "/redoc", "/openapi.json", "/admin/login/", "/static/valhalla/pages.css",
]  # fmt: skip
GATED = [
    "/", "/api", "/api/deals", "/api/deals/", "/api/unlabelled", "/api/sandbox/x", "/api/deals/report", "/favicon.ico",
    "/nothing/here", "/healthz", "/api/governanceX", "/api/system", "/adminX", "/docsX/", "/staticX",
]  # fmt: skip
ROUND = [
    "//api/deals", "/api//deals", "/health/../api/deals", "/health/%2e%2e/api/deals", "/health/%252e%252e/api/deals",
    "/health/..%2fapi/deals", "/health/..%252fapi/deals", "/health/..;/api/deals", "/health;/../api/deals",
    "/health/..\\api\\deals", "/health%5c..%5capi/deals", "/API/DEALS", "/Api/Deals", "/api/deals;x=1", "/api/deals;/",
    "/api/%64eals", "/api/%2564eals", "/api/./deals", "/api/deals//", "/HEALTH", "//health", "/health%00",
    "/api/governance/../../api/deals", "/static/../api/deals", "/admin/..//api/deals",
]  # fmt: skip
WRITES = ["POST", "PUT", "PATCH", "DELETE", "PURGE"]
METHODS = ["GET", "HEAD", "OPTIONS", *WRITES]


def refusal(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == PROBLEM, answer.content
    return answer.status_code, answer.json()["code"]


def answered(api: APIClient, path: str) -> None:
    answer = api.get(path)
    assert answer.status_code == 200
    answer.close()  # a static file is read as it is sent


def hold(scope: str, **more: Any) -> None:
    holds.place(scope=scope, source="test", code="tripped", reason="rates fell", rank=40, **more)
