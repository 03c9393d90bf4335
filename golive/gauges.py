"""The switches' figures for monitoring."""

from __future__ import annotations

from golive import selectors
from governance.metrics import Gauge


def gauges() -> list[Gauge]:
    """Return how the switches stand, whether they count, and the epoch."""
    told = selectors.shown(selectors.state())
    figures = {
        "valhalla_go_live_enabled": ("Production is enabled.", told["go_live_enabled"]),
        "valhalla_kill_switch_engaged": ("The kill switch is engaged.", told["kill_switch_engaged"]),
        "valhalla_enforced": ("This site enforces the switches.", told["enforced"]),
        "valhalla_epoch": ("The turns of the switches.", told["epoch"]),
    }
    return [Gauge(name, said, [({}, float(value))]) for name, (said, value) in figures.items()]
