"""The risk guard's figures for monitoring, in currency units."""

from __future__ import annotations

from governance.metrics import Gauge
from governance.money import MINOR_PER_UNIT
from riskguard import selectors


def gauges() -> list[Gauge]:
    """Return what each level has used today, what is left of each cap, and what a person must look at."""
    used, left, enabled = [], [], []
    for line in selectors.ledger_today():
        usage = {
            "exposure": line.usage.exposure_used,
            "open_risk": line.usage.open_risk_reserved,
            "loss": line.usage.realized_loss,
        }
        used += [({"engine": line.engine, "of": name}, minor / MINOR_PER_UNIT) for name, minor in usage.items()]
        left += [
            ({"engine": line.engine, "of": name}, minor / MINOR_PER_UNIT)
            for name, minor in line.left().items()
            if minor is not None and name in usage
        ]
        enabled.append(({"engine": line.engine}, float(line.policy is not None and line.policy.enabled)))
    return [
        Gauge("valhalla_risk_used", "Exposure, open risk and loss of the day, in currency units.", used),
        Gauge("valhalla_risk_left", "What is left of a cap, in currency units; no cap, no figure.", left),
        Gauge("valhalla_risk_policy_enabled", "The engine may reserve.", enabled),
        Gauge("valhalla_reservations_unresolved", "Expired, and not looked at yet.", [({}, selectors.unresolved())]),
    ]
