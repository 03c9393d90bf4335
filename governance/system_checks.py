"""System checks: settings that would break a promise are named before the first request."""

from __future__ import annotations

from typing import Any

from django.core.checks import Error, register
from django.db import connections


@register()
def atomic_requests_is_off(**_kwargs: Any) -> list[Error]:
    """Refuse ATOMIC_REQUESTS: a decision is durable on its own and would fail inside a request's transaction."""
    return [
        Error(
            f"ATOMIC_REQUESTS is on for the database {alias!r}.",
            hint="Switch it off: reserve, settle and record_kpi commit by themselves.",
            id="governance.E001",
        )
        for alias in connections
        if connections[alias].settings_dict.get("ATOMIC_REQUESTS")
    ]
