"""One run of a job: once over all machines, recorded, and told in the log when it fails."""

from __future__ import annotations

import logging

from django.db import transaction

from governance import clock, origin, outbox
from governance.jobs.alone import alone
from governance.models import JobRun
from governance.register import Job

_log = logging.getLogger(__name__)
# Timers are not exact: a run that comes a little early is the next one, and not the same one again.
EARLY = 0.1
Outcome = JobRun.Outcome


def run(job: Job, *, if_due: bool) -> JobRun | None:
    """Run ``job`` and return how it went; None where another is at it or, with ``if_due``, its time has not come."""
    with alone(job.name) as mine:
        if not mine or (if_due and not _is_due(job)):
            return None
        begun = {"outcome": Outcome.RUNNING, "started_at": clock.database_now(), "ended_at": None, "detail": ""}
        ran, _created = JobRun.objects.update_or_create(name=job.name, defaults=begun)
        try:
            with origin.of(via="scheduler"):
                ran.outcome, ran.detail = Outcome.DONE, job.run()
            ran.failures = 0
        except Exception as failure:  # noqa: BLE001 -- whatever it is, it must be seen, and stop no other job
            _log.exception("The job %s failed", job.name)
            ran.outcome, ran.detail = Outcome.FAILED, f"{type(failure).__name__}: {failure}"
            ran.failures += 1
        ran.ended_at = clock.database_now()
        with transaction.atomic():
            ran.save()
            if ran.outcome == Outcome.FAILED and is_told(ran.failures):
                error = ran.detail.partition(":")[0]
                outbox.tell(outbox.JOB_FAILED, job=job.name, failures=ran.failures, error=error)
        return ran


def is_told(failures: int) -> bool:
    """Say whether people are told of so many failures in a row: of the first, the tenth, the hundredth, and so on."""
    return f"{failures}".strip("0") == "1"


def _is_due(job: Job) -> bool:
    last = JobRun.objects.filter(name=job.name).values_list("started_at", flat=True).first()
    return last is None or clock.database_now() - last >= job.every * (1 - EARLY)
