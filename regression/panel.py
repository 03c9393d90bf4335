"""The tripwires' part of the control plane: open incidents first, then each tripwire with its last rates."""

from __future__ import annotations

from typing import Any

from governance.register import Alarm, Panel
from regression import rules, selectors

_TONES = {"OPEN": "bad", "ACKNOWLEDGED": "warn"}


def panel() -> Panel:
    """Return the incidents that are not resolved, and every tripwire with its last figures."""
    states = {(state.domain, state.metric): state for state in selectors.states()}
    tripwires: list[dict[str, Any]] = [
        {"name": str(policy), "policy": policy, "state": states.get((policy.domain, policy.metric))}
        for policy in selectors.policies()
    ]
    # What needs a person stands first.
    tripwires.sort(key=lambda row: (not (row["state"] and row["state"].triggered), not row["policy"].enabled))
    actions = {
        "rearm": rules.REARM,
        "acknowledge": rules.ACKNOWLEDGE,
        "resolve": rules.RESOLVE,
        "set_policy": rules.SET_POLICY,
    }
    incidents = selectors.open_incidents()
    alarms = [Alarm(f"{row['name']} is triggered") for row in tripwires if row["state"] and row["state"].triggered]
    alarms += [
        Alarm(f"Incident {incident.pk} is {incident.get_status_display()}", _TONES[incident.status])
        for incident in incidents
    ]
    return Panel("regression/panel.html", {"incidents": incidents, "tripwires": tripwires, **actions}, alarms)
