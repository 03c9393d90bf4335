"""Requests to a live site, each on a connection of its own."""

from __future__ import annotations

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

GOVERNANCE = "/api/governance"


def ask(address: str, path: str, body: dict[str, Any] | None = None, **headers: str) -> tuple[int, dict[str, Any]]:
    """Return the status and the JSON of a GET, or of a POST where there is a body."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    try:
        if body is None:
            connection.request("GET", path, headers=headers)
        else:
            sent = {"Content-Type": "application/json", **headers}
            connection.request("POST", path, json.dumps(body), sent)
        answer = connection.getresponse()
        told: dict[str, Any] = json.loads(answer.read() or "{}")
        return answer.status, told
    finally:
        connection.close()


def turn(address: str, switch: str, **body: Any) -> dict[str, Any]:
    """Turn a switch and return the state."""
    status, told = ask(address, f"{GOVERNANCE}/go-live/{switch}", {"actor": "ops", "reason": "test", **body})
    assert status == 200, told
    return told
