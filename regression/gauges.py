"""The tripwires' figures for monitoring."""

from __future__ import annotations

from governance.metrics import Gauge
from regression import selectors

_FIGURES = {
    "valhalla_tripwire_baseline": ("The baseline.", "baseline"),
    "valhalla_tripwire_current": ("The current window.", "current"),
    "valhalla_tripwire_drop": ("The drop, as a share of the baseline.", "drop_fraction"),
    "valhalla_tripwire_triggered": ("It is triggered, and nobody has re-armed it.", "triggered"),
}


def gauges() -> list[Gauge]:
    """Return how each tripwire stands, and the incidents that nobody has resolved."""
    states = selectors.states()
    told = []
    for name, (said, field) in _FIGURES.items():
        figures = [(state.domain, state.metric, getattr(state, field)) for state in states]
        values = [({"domain": domain, "metric": metric}, float(v)) for domain, metric, v in figures if v is not None]
        told.append(Gauge(name, said, values))
    return [*told, Gauge("valhalla_incidents_open", "Incidents not resolved.", [({}, len(selectors.open_incidents()))])]
