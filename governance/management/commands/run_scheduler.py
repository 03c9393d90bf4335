"""``manage.py run_scheduler``: every job, each on its own period, until SIGTERM or SIGINT."""

from __future__ import annotations

import datetime as dt
import logging
import signal
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from django.core.management.base import BaseCommand
from django.db import connections

from governance import signals
from governance.jobs import kernel, running
from governance.register import Job

_log = logging.getLogger(__name__)


class Command(BaseCommand):
    """Run the jobs."""

    help = (
        "Run every job on its own period until SIGTERM or SIGINT, which lets what is running end. Any number of these "
        "may run, on any number of machines: each job runs once a period."
    )

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Start the timers, wait for a signal, and let running jobs end."""
        signalled = signals.awaited(signal.SIGTERM, signal.SIGINT)
        logging.getLogger("apscheduler").setLevel(logging.WARNING)
        jobs = kernel.every()
        scheduler = BackgroundScheduler(
            executors={"default": ThreadPoolExecutor(len(jobs))},
            # One that is late, or that the machine has slept over, runs once and not as often as it was missed.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
            timezone=dt.UTC,
        )
        now = dt.datetime.now(dt.UTC)
        for job in jobs:
            scheduler.add_job(_tick, "interval", [job], seconds=job.every.total_seconds(), next_run_time=now)
        scheduler.start()
        _log.info("Scheduling %s", ", ".join(f"{job.name} every {job.every}" for job in jobs))
        signalled()
        scheduler.shutdown(wait=True)
        _log.info("The scheduler has ended")


def _tick(job: Job) -> None:
    """Run a job if its time has come. Where the database does not answer, the next tick tries again."""
    try:
        ran = running.run(job, if_due=True)
        if ran is not None:
            _log.info("%s %s in %s: %s", ran.name, ran.outcome.lower(), ran.took, ran.detail)
    finally:
        connections.close_all()
