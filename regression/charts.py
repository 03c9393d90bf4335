"""The charts of a tripwire's page, as Chart.js is to draw them: the course of the metric, and the way to a trip."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from governance.console import charts
from governance.console.charts import Chart
from governance.sections import Plot, Series, Tone
from regression.models import RegressionIncident, RegressionPolicy
from regression.tracing import Trace

if TYPE_CHECKING:
    from regression.comparing import Tried
    from regression.histories import History

SHOWN_ROWS = 30
NAMED_TRIPS = 6  # of more than these the names would cover one another
# Each stands out 3:1 and more from the page, in the light and in the dark, as the tones of the lines do.
_TRIP, _REARMED, _CURRENT, _BASELINE = "#dc2626", "#16a34a", "#3b82f6", "#16a34a"
_TONES: Sequence[Tone] = ("grey", "orange", "blue", "green") * 2
_ZOOM = {
    "zoom": {"mode": "x", "drag": {"enabled": True}, "wheel": {"enabled": True, "modifierKey": "ctrl"}},
    "limits": {"x": {"minRange": 5}},
}


def watched(
    trace: Trace, policy: RegressionPolicy, preview: Sequence[Tried] = (), history: History | None = None
) -> Chart:
    """Return the course of the metric with windows, baseline, threshold, trips and re-armings, and a preview's."""
    left = 1 - float(policy.max_drop_fraction)
    baselines = [point.baseline for point in trace.points]
    series = [
        Series(name=f"Mean of the last {trace.size}", values=[point.current for point in trace.points]),
        Series(name="Baseline", values=baselines, tone="green", dashed=True),
        Series(name=f"Threshold {_share(policy)}", values=_less(baselines, left), tone="red", dashed=True),
    ]
    for tone, tried in zip(_TONES, preview, strict=False):
        if tried.policy.max_drop_fraction != policy.max_drop_fraction:
            name, rest = f"Threshold {_share(tried.policy)}", 1 - float(tried.policy.max_drop_fraction)
            if name not in [line.name for line in series]:
                series.append(Series(name=name, values=_less(baselines, rest), tone="orange", dashed=True))
        if history is not None:
            series.append(_would_trip(trace, tried, history, tone))
    shown = [line for line in series if any(value is not None for value in line.values)]
    binary = all(value is None or 0 <= value <= 1 for line in shown for value in line.values)
    plot = Plot(
        title=f"{policy.domain} {policy.metric}",
        kind="line",
        axis="Up to (UTC)",
        labels=[f"{at:%Y-%m-%d %H:%M:%S}" for at in trace.at],
        series=shown,
        said=_said(trace),
        share=binary,
    )
    chart = charts.drawn(plot, {"zoom": _ZOOM, "annotation": {"annotations": _marks(trace)}})
    marked = {trace.place(trip.last_event_id) for trip in trace.trips}
    every = -(-len(chart.rows) // SHOWN_ROWS) or 1
    return dataclasses.replace(
        chart, rows=[row for place, row in enumerate(chart.rows) if place % every == 0 or place in marked]
    )


def way(incident: RegressionIncident) -> Chart | None:
    """Return how the figure that triggered moved up to the trip; None where that was not kept."""
    path: Any = incident.path
    if not path or not path["points"]:
        return None
    drop = path["figure"] == "drop_fraction"
    numbers, figures = zip(*path["points"], strict=True)
    plot = Plot(
        title="The way to the trip",
        kind="line",
        axis="Event",
        labels=[f"{int(number)}" for number in numbers],
        series=[
            Series(name="Drop" if drop else "Evidence, its natural log", values=figures),
            Series(name="Triggers", values=[path["alarm_at"]] * len(figures), tone="red", dashed=True),
        ],
        said="The drop of the window's events so far." if drop else "The evidence of a drop, event by event.",
    )
    return charts.drawn(plot)


def _said(trace: Trace) -> str:
    if trace.events:
        return f"{trace.events:,} events, one by one."
    return f"A long stretch: looked at in {len(trace.points)} places. Go closer to see the baseline at each event."


def _would_trip(trace: Trace, tried: Tried, history: History, tone: Tone) -> Series:
    values: list[float | None] = [None] * len(trace.points)
    for trip in tried.outcome.trips:
        place = trace.place(history.events[trip.event - 1].id)
        if place is not None:
            values[place] = trace.points[place].current
    return Series(name=f"{tried.name} would trip", values=values, tone=tone, marks=True)


def _marks(trace: Trace) -> dict[str, Any]:
    """Return the lines of trips and re-armings, and behind them the windows as they stand."""
    named = len(trace.trips) <= NAMED_TRIPS
    found = {}
    for name, ends, colour in (("current", trace.current, _CURRENT), ("baseline", trace.baseline, _BASELINE)):
        if ends and trace.points and (end := trace.place(min(ends[1], trace.points[-1].id))) is not None:
            start = trace.place(max(ends[0], trace.points[0].id)) or 0
            found[name] = {
                "type": "box", "xMin": start, "xMax": end, "backgroundColor": f"{colour}22", "borderWidth": 0,
                "drawTime": "beforeDatasetsDraw",
            }  # fmt: skip
    for trip in trace.trips:
        found[f"trip-{trip.pk}"] = _line(
            trace.place(trip.last_event_id), _TRIP, f"trip #{trip.pk}" if named else "", "start"
        )
    for number in trace.armings:
        found[f"armed-{number}"] = {
            **_line(trace.place(number), _REARMED, "re-armed" if named else "", "end"), "borderDash": [6, 4],
        }  # fmt: skip
    return found


def _line(place: int | None, colour: str, name: str, position: str) -> dict[str, Any]:
    label = {
        "display": bool(name), "content": name, "position": position, "backgroundColor": "#1f2937", "color": "#ffffff",
        "font": {"size": 11}, "padding": 4,
    }  # fmt: skip
    return {"type": "line", "xMin": place, "xMax": place, "borderColor": colour, "borderWidth": 2, "label": label}


def _less(baselines: Sequence[float | None], rest: float) -> list[float | None]:
    return [None if baseline is None else baseline * rest for baseline in baselines]


def _share(policy: RegressionPolicy) -> str:
    return f"{policy.max_drop_fraction.normalize():f}"
