"""What the risk guard does again and again."""

from __future__ import annotations

import datetime as dt

from governance.register import Job
from riskguard import services


def _expire() -> str:
    total = 0
    while batch := services.expire_some():
        total += batch
    return f"{total} reservation(s) expired."


JOBS = (Job("expire", dt.timedelta(minutes=1), _expire),)
