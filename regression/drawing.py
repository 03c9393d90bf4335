"""A comparison of settings as a picture. Importing it needs matplotlib, which serves development alone."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from regression import rules, simulation

if TYPE_CHECKING:  # the statistics are drawn without the site's models
    from regression.comparing import Tried
    from regression.histories import History

_COLOURS = {"WINDOW": "#b42318", "SEQUENTIAL": "#175cd3"}
_DASHES = ("-", "--", ":", "-.")


def draw(path: str, history: History, found: Sequence[Tried]) -> None:
    """Write the history with each setting's trips, its false alarms and its delays as a PNG to ``path``."""
    with Path(path).open("wb") as picture:  # before it is drawn, which takes a second
        _figure(history, found).savefig(picture, dpi=110, format="png")


def _figure(history: History, found: Sequence[Tried]) -> Figure:
    figure = Figure(figsize=(9, 9.5 + 0.25 * len(found)), layout="constrained")
    rows: Any = figure.subplots(3, 1, height_ratios=[3, 0.6 + 0.35 * len(found), 3])
    _history(rows[0], history, found)
    _false_alarms(rows[1], found)
    _delays(rows[2], found)
    for axes in rows:
        finish(axes)
    return figure


def finish(axes: Axes) -> None:
    """Give a plot the grid, the frame and the legend that all of them have."""
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, ncols=2)


def style(tried: Tried, found: Sequence[Tried]) -> dict[str, Any]:
    """Return a setting's line: the detector's colour, and a dash of its own for each threshold."""
    same = [other for other in found if other.policy.detector == tried.policy.detector]
    return {"color": _COLOURS[tried.policy.detector], "linestyle": _DASHES[same.index(tried) % len(_DASHES)]}


def _history(axes: Axes, history: History, found: Sequence[Tried]) -> None:
    size = min(found[0].policy.window_events, len(history.events))
    sums = list(accumulate((float(rules.number(event)) for event in history.events), initial=0.0))
    places = range(size, len(sums))
    axes.plot(places, [(sums[end] - sums[end - size]) / size for end in places], color="#667085", linewidth=1)
    for tried in found:
        line = style(tried, found)
        for number, trip in enumerate(tried.outcome.trips):
            axes.axvline(trip.event, **line, linewidth=1, label=f"{tried.name} trips" if number == 0 else None)
    axes.set(xlabel="event", ylabel=f"mean of the last {size} events", xlim=(0, len(history.events)))
    axes.set_title(f"{history.source}: when would each have tripped?", loc="left")


def _false_alarms(axes: Axes, found: Sequence[Tried]) -> None:
    names = [tried.name for tried in found]
    forecasts = [tried.outcome.forecast for tried in found]
    often = [forecast.false_alarms_per_1000 if forecast else 0.0 for forecast in forecasts]
    bars = axes.barh(names, often, color=[_COLOURS[tried.policy.detector] for tried in found], height=0.6)
    axes.bar_label(
        bars, [f"{forecast.false_alarms_per_1000:.3g}" if forecast else "-" for forecast in forecasts], padding=3
    )
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.set_title("A metric that never changes: how many false alarms in 1,000 events?", loc="left")


def _delays(axes: Axes, found: Sequence[Tried]) -> None:
    for tried in found:
        known = tried.outcome.forecast.median_delays if tried.outcome.forecast else {}
        seen = {100 * drop: delay for drop, delay in known.items() if delay is not None}
        if seen:
            line = style(tried, found)
            axes.plot(list(seen), list(seen.values()), **line, marker="o", markersize=3, label=tried.name)
    axes.set(yscale="log", xlabel="drop, percent of the rate", ylabel="median events to the trip")
    axes.set_xticks([100 * drop for drop in simulation.DROPS])
    axes.set_title("A metric that drops: how many events until it trips?", loc="left")
