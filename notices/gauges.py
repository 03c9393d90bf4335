"""The outbox's figures for monitoring."""

from __future__ import annotations

from governance import clock
from governance.metrics import Gauge
from notices import selectors


def gauges() -> list[Gauge]:
    """Return how much the outbox holds, how old the oldest of it is, and what was given up."""
    standing = selectors.standing()
    age = (clock.database_now() - standing.oldest).total_seconds() if standing.oldest else 0
    return [
        Gauge("valhalla_notices_waiting", "Notices to route, and deliveries to make.", [({}, standing.waiting)]),
        Gauge("valhalla_notice_oldest_seconds", "How long ago the oldest of them happened, or 0.", [({}, age)]),
        Gauge("valhalla_notices_dead", "Deliveries that were given up.", [({}, standing.dead)]),
    ]
