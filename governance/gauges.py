"""The kernel's own figures for monitoring."""

from __future__ import annotations

from django.db.models import Count

from governance import clock
from governance.jobs import kernel
from governance.metrics import Gauge
from governance.models import ChangeRequest, Hold, JobRun
from governance.trail import sealing


def gauges() -> list[Gauge]:
    """Return holds, changes that wait, broken glass, rows that are not sealed, and how the jobs went."""
    now = clock.database_now()
    held = Hold.objects.order_by().values_list("scope", "source", "code").annotate(Count("pk"))
    waiting = ChangeRequest.objects.filter(status=ChangeRequest.Status.PENDING, expires_at__gt=now).count()
    runs = list(JobRun.objects.all())
    ended = [(run.name, run.ended_at) for run in runs if run.ended_at]
    return [
        Gauge(
            "valhalla_holds", "Holds that stand.",
            [({"scope": scope, "source": source, "code": code}, number) for scope, source, code, number in held],
        ),
        Gauge("valhalla_changes_waiting", "Changes that wait for a second person.", [({}, waiting)]),
        Gauge(
            "valhalla_broken_glass", "Changes applied by breaking the glass, and not looked at by another person.",
            [({}, ChangeRequest.objects.broken().count())],
        ),
        Gauge("valhalla_trail_unsealed_rows", "Rows of the trail that are not sealed yet.", [({}, sealing.waiting())]),
        Gauge(
            "valhalla_seal_lag_seconds", "Age of the oldest row that is not sealed yet.",
            [({}, sealing.lag().total_seconds())],
        ),
        Gauge(
            "valhalla_job_failures", "Runs in a row that failed.", [({"job": run.name}, run.failures) for run in runs]
        ),
        Gauge(
            "valhalla_job_age_seconds", "Seconds since a job last ended.",
            [({"job": name}, (now - at).total_seconds()) for name, at in ended],
        ),
        Gauge(
            "valhalla_job_period_seconds", "How often a job is to be run.",
            [({"job": job.name}, job.every.total_seconds()) for job in kernel.every()],
        ),
    ]  # fmt: skip
