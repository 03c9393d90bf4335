"""Heimdall's page of the console: the calibration of each domain, drawn by unfold's chart component."""

from __future__ import annotations

import json
import math
from typing import Any

from django.http import HttpRequest

from governance.console.pages import Page
from heimdall import calibration, reporting
from heimdall.calibration import Report


class CalibrationPage(Page):
    """How honest the stated confidences are, by what came of them."""

    title = "Calibration"
    template_name = "heimdall/calibration.html"

    def told(self, request: HttpRequest, **_kwargs: Any) -> dict[str, Any]:
        """Return each domain's report, with its chart; those with outcomes first."""
        found = reporting.domains()
        shown = [
            {
                "policy": domain.policy,
                "report": domain.report,
                "verdict": reporting.verdict(domain.report),
                "in_line": reporting.in_line(domain.report),
                "below": reporting.below(domain.policy),
                "chart": json.dumps(chart(domain.report)),
                "options": json.dumps(options(domain.report)),
            }
            for domain in found
            if domain.report is not None
        ]
        silent = [domain.policy.domain for domain in found if domain.report is None]
        return {"domains": shown, "silent": silent, "most": f"{reporting.MOST:,}", "runs": f"{calibration.RUNS:,}"}


def chart(report: Report) -> dict[str, Any]:
    """Return the reliability diagram: per bin of confidence what was stated, what succeeded, and its interval."""
    bins = report.bins
    return {
        "labels": [f"{one.least:g} to {one.most:g}" for one in bins],
        "datasets": [
            _points("Succeeded", "--color-primary-600", [_percent(one.share.rate) for one in bins], shape="circle"),
            _points("Stated", "--color-orange-500", [_percent(one.stated) for one in bins], shape="rectRot"),
            {
                "label": "95% interval of what succeeds",
                "data": [[_percent(one.share.low), _percent(one.share.high)] for one in bins],
                "backgroundColor": "var(--color-primary-300)",
            },
        ],
    }


def options(report: Report) -> dict[str, Any]:
    """Return how the diagram is drawn: in percent, from a tenth below the lowest interval on."""
    lowest = min(min(one.share.low, one.stated) for one in report.bins)
    return {
        "animation": False,
        "maintainAspectRatio": False,
        "maxBarThickness": 14,
        "plugins": {"legend": {"align": "start", "labels": {"usePointStyle": True}}},
        "scales": {
            "x": {"grid": {}, "title": {"display": True, "text": "Confidence"}},
            "y": {
                "grid": {},
                "min": 10 * math.floor(10 * lowest),
                "max": 100,
                "title": {"display": True, "text": "Percent"},
            },
        },
    }


def _points(label: str, colour: str, data: list[float], *, shape: str) -> dict[str, Any]:
    ink = f"var({colour})"
    look = {
        "borderColor": ink,
        "backgroundColor": ink,
        "pointStyle": shape,
        "pointRadius": 5,
        "showLine": False,
        "clip": False,
    }
    return {"type": "line", "label": label, "data": data, **look}


def _percent(share: float) -> float:
    return round(100 * share, 2)
