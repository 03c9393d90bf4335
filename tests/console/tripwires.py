"""The tripwire's page, as tests open it."""

from __future__ import annotations

import html
import json
from typing import Any

from django.test import Client

from tests.regression.factories import (
    DOMAIN,
    METRIC,
)

PAGE = f"/admin/tripwires/{DOMAIN}/{METRIC}/"


def shown(browser: Client, query: str = "", status: int = 200) -> str:
    response = browser.get(f"{PAGE}{query}")
    assert response.status_code == status
    return " ".join(html.unescape(response.content.decode()).split())


def charted(browser: Client, query: str = "") -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the data and the options of the page's chart."""
    chart = browser.get(f"{PAGE}{query}").context["chart"]
    return json.loads(chart.data), json.loads(chart.options)
