"""What the tripwires do again and again: each event evaluates its own, and this is for what no event has."""

from __future__ import annotations

import datetime as dt

from governance.register import Job
from regression import selectors, services


def _evaluate() -> str:
    states = [
        services.evaluate(domain=policy.domain, metric=policy.metric, actor="scheduler")
        for policy in selectors.enabled()
    ]
    triggered = [f"{state.domain}/{state.metric}" for state in states if state is not None and state.triggered]
    return f"{len(states)} tripwire(s) evaluated. Triggered: {', '.join(triggered) or 'none'}."


JOBS = (Job("evaluate", dt.timedelta(minutes=1), _evaluate),)
