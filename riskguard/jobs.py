"""What the risk guard does again and again."""

from __future__ import annotations

import datetime as dt

from governance.register import Job
from riskguard import policies, services


def _expire() -> str:
    total = 0
    while batch := services.expire_some():
        total += batch
    return f"{total} reservation(s) expired."


def _end_overrides() -> str:
    ended = policies.end_overrides()
    return f"{len(ended)} override(s) ended: {', '.join(ended) or 'none'}."


JOBS = (
    Job("expire", dt.timedelta(minutes=1), _expire),
    Job("end_overrides", dt.timedelta(minutes=1), _end_overrides),
)
