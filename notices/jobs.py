"""What the notices do again and again."""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from governance.register import Job
from notices import delivering, services

# A timer that runs it each minute in place of the scheduler is not taken for silence, which is five periods.
EVERY = dt.timedelta(seconds=15)


def deliver() -> str:
    """Deliver for as long as a run may take, and say what was done."""
    return str(delivering.deliver(seconds=EVERY.total_seconds()))


def beat() -> str:
    """Put a heartbeat into the outbox, and say whether somebody asks for one."""
    return "A heartbeat is on its way." if services.beat() else "No rule asks for a heartbeat."


def every() -> list[Job]:
    """Return the jobs."""
    return [
        Job("deliver", EVERY, deliver),
        Job("heartbeat", dt.timedelta(minutes=settings.NOTICE_HEARTBEAT_MINUTES), beat),
    ]
