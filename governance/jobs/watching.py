"""Whether the jobs are run: told by the review, by ``/health/ready`` and by monitoring."""

from __future__ import annotations

import datetime as dt

from governance import clock
from governance.jobs import kernel
from governance.models import JobRun
from governance.register import Check, Job

OVERDUE = 5  # periods without a run, after which a job counts as silent


def is_silent(job: Job, ran: JobRun | None, now: dt.datetime) -> bool:
    """Say whether ``job`` was never run, or was started last many periods before ``now``."""
    return ran is None or now - ran.started_at >= OVERDUE * job.every


def check() -> Check:
    """Return whether somebody runs the jobs, with what to do."""
    now = clock.database_now()
    runs = {ran.name: ran for ran in JobRun.objects.all()}
    silent = [job.name for job in kernel.every() if is_silent(job, runs.get(job.name), now)]
    if not silent:
        return Check("scheduler", ok=True, detail="Every job is run in time.", required=False)
    said = f"Not run in time: {', '.join(silent)}. See that run_scheduler runs, or a timer for each."
    return Check("scheduler", ok=False, detail=said, required=False)
