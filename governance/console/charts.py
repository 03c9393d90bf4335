"""How a plot is drawn: the values and options of unfold's chart component, whose library is Chart.js."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import simplejson

from governance.sections import Plot, Series

# Each stands out 3:1 and more from the page, in the light and in the dark (WCAG 1.4.11); lines differ by dashes too.
_TONES = {"blue": "#3b82f6", "orange": "#ea580c", "red": "#ef4444", "green": "#16a34a", "grey": "#6b7280"}
_MANY_BARS, _MANY_POINTS = 6, 60


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    """A plot as the template takes it; ``rows`` are its figures as a person reads them, a label each."""

    plot: Plot
    size: str
    data: str
    options: str
    rows: Sequence[tuple[str, Sequence[tuple[str, str]]]]


def drawn(plot: Plot, plugins: Mapping[str, Any] | None = None) -> Chart:
    """Return ``plot`` for the template ``console/plot.html``; ``plugins`` are options of more plugins of Chart.js."""
    bars = plot.kind == "bar"
    data = {"labels": list(plot.labels), "datasets": [_dataset(series, bars=bars) for series in plot.series]}
    rows = [
        (label, [(series.name, spoken(series.values[place])) for series in plot.series])
        for place, label in enumerate(plot.labels)
    ]
    return Chart(
        plot,
        "vh-chart vh-chart-tall" if bars and len(plot.labels) > _MANY_BARS else "vh-chart",
        _json(data),
        _json(_options(plot, plugins or {}, bars=bars)),
        rows,
    )


def spoken(value: float | Decimal | None) -> str:
    """Return a value as a person reads it."""
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else f"{value:,}"


def _dataset(series: Series, *, bars: bool) -> dict[str, Any]:
    colour = _TONES[series.tone]
    told: dict[str, Any] = {"label": series.name, "data": list(series.values)}
    if bars:
        return {**told, "backgroundColor": colour, "maxBarThickness": 14}
    told |= {"borderColor": colour, "backgroundColor": colour, "borderWidth": 2, "pointRadius": 0, "pointHitRadius": 8}
    if series.marks:
        return {**told, "showLine": False, "pointStyle": "triangle", "pointRadius": 7, "order": -1}
    if series.band:
        told |= {"fill": "-1", "backgroundColor": f"{colour}33"}
    if series.dashed:
        return {**told, "borderDash": [6, 4], "stepped": series.stepped, "pointStyle": "line"}
    dots = 2 if len(series.values) <= _MANY_POINTS else 0
    return {**told, "pointRadius": dots, "stepped": series.stepped, "pointStyle": "circle"}


def _options(plot: Plot, plugins: Mapping[str, Any], *, bars: bool) -> dict[str, Any]:
    values: dict[str, Any] = {"beginAtZero": True, "border": {"display": False}, "ticks": {"maxTicksLimit": 6}}
    if plot.share:
        values |= {"max": 1}
    labels: dict[str, Any] = {
        "grid": {"display": False},
        "ticks": {"autoSkip": not bars, "autoSkipPadding": 14, "maxRotation": 0},
    }
    return {
        "animation": False,
        "responsive": True,
        "maintainAspectRatio": False,
        "indexAxis": "y" if bars else "x",
        "interaction": {"mode": "index", "axis": "y" if bars else "x", "intersect": False},
        "plugins": {
            "legend": {
                "display": len(plot.series) > 1,
                "position": "bottom",
                "align": "start",
                "labels": {"usePointStyle": not bars, "boxWidth": 14, "boxHeight": 8},
            },
            **plugins,
        },
        "scales": {"x": values, "y": labels} if bars else {"x": labels, "y": values},
    }


def _json(value: Any) -> str:
    return simplejson.dumps(value, use_decimal=True, allow_nan=False)
