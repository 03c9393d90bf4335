"""The kernel's own jobs, and every lever's beside them."""

from __future__ import annotations

import datetime as dt

from django.conf import settings

from governance import ending, register, retention
from governance.errors import NotFound
from governance.register import Job
from governance.trail import sealing

ACTOR = "scheduler"


def every() -> list[Job]:
    """Return every job: the kernel's, then the levers' in their order."""
    own = [
        Job("seal", dt.timedelta(minutes=1), _seal),
        Job("end_overrides", dt.timedelta(minutes=1), _end_overrides),
        Job("retain", dt.timedelta(minutes=settings.RETENTION_CRON_MINUTES), _retain),
    ]
    return [*own, *(job for lever in register.levers() for job in lever.jobs)]


def named(name: str) -> Job:
    """Return the job called ``name``; NotFound where there is none."""
    found = {job.name: job for job in every()}
    if name not in found:
        raise NotFound(f"There is no job called {name!r}; there are {', '.join(sorted(found))}.")
    return found[name]


def _seal() -> str:
    return f"{sealing.seal_all()} row(s) sealed."


def _end_overrides() -> str:
    ended = ending.end_all()
    return f"{len(ended)} override(s) ended: {', '.join(ended) or 'none'}."


def _retain() -> str:
    if not settings.RETENTION_ENABLED:
        return "RETENTION_ENABLED is 0: nothing is removed."
    removed = sum(sum(batch.values()) for _table, batch in retention.enforce(actor=ACTOR))
    return f"{removed} row(s) removed."
