"""The control plane review: every lever's section over one period, asked through the register."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from governance import clock, register
from governance.errors import Invalid
from governance.jobs import kernel, watching
from governance.models import ChangeRequest, Hold, JobRun, ReviewDecision
from governance.register import Job
from governance.sections import Compared, Period, Section, Table
from governance.serializers import ReviewDecisionSerializer

WEEK = dt.timedelta(days=7)
EARLIEST = dt.date(2000, 1, 1)


def last_week() -> Period:
    """Return the seven days up to now."""
    end = clock.now()
    return Period(end - WEEK, end)


def week_of(day: dt.date) -> Period:
    """Return the UTC week, Monday to Monday, that holds ``day``; of the present one what there is of it so far.

    Raises Invalid for a day that is yet to come, or too long ago to compare its week with the one before.
    """
    if not EARLIEST <= day <= clock.now().date():
        raise Invalid({"week": [f"Must be a day from {EARLIEST} up to today, in UTC: its week is reviewed."]})
    start = clock.midnight(day - dt.timedelta(days=day.weekday()))
    return Period(start, min(start + WEEK, clock.now()))


def sections(period: Period) -> list[Section]:
    """Return the kernel's section (holds, changes that wait, broken glass) and every lever's, in their order."""
    return [_own(period), *(lever.review(period) for lever in register.levers())]


def promotions(period: Period) -> list[Section]:
    """Return the Friday part: what has earned more, and what other thresholds would have let through."""
    return [lever.promotion(period) for lever in register.levers() if lever.promotion]


def alarms(told: Iterable[Section]) -> list[str]:
    """Return what needs a person, each with the title of its section."""
    return [f"{section.title}: {alarm}" for section in told for alarm in section.alarms]


def control_plane(period: Period) -> dict[str, Any]:
    """Return the whole review, JSON-ready: the period, whether something needs a person, each section's data and plots.

    ``decision`` is what the last review ended in, None where none was recorded.
    """
    told, friday, decided = sections(period), promotions(period), last_decision()
    found = alarms(told)
    return {
        "from": period.start,
        "to": period.end,
        "healthy": not found,
        "alarms": found,
        "sections": {section.name: section.data for section in told},
        "promotions": {section.name: section.data for section in friday},
        "plots": {section.name: [plot.data() for plot in section.plots] for section in (*told, *friday)},
        "decision": ReviewDecisionSerializer(decided).data if decided else None,
    }


def last_decision() -> ReviewDecision | None:
    """Return what the last review ended in, None where none was recorded."""
    return ReviewDecision.objects.first()


def _own(period: Period) -> Section:
    holds = list(Hold.objects.standing(clock.now()))
    waiting = list(ChangeRequest.objects.filter(status=ChangeRequest.Status.PENDING, expires_at__gt=clock.now()))
    forced = ChangeRequest.objects.filter(status=ChangeRequest.Status.FORCED)
    shown = list(forced.filter(Q(decided_at__range=(period.start, period.end)) | Q(looked_at__isnull=True)))
    runs = {ran.name: ran for ran in JobRun.objects.all()}
    jobs = [(job, runs.get(job.name)) for job in kernel.every()]
    data = {
        "holds": [
            {"scope": hold.scope, "source": hold.source, "code": hold.code, "reason": hold.reason, "since": hold.since}
            for hold in holds
        ],
        "pending_changes": [
            {"id": change.pk, "action": change.action, "target": change.target, "requested_by": change.requested_by}
            for change in waiting
        ],
        "broken_glass": [_broken(change) for change in shown],
        "jobs": [_job(job, ran) for job, ran in jobs],
    }
    tables = [
        Table(
            "Holds",
            ["Scope", "Code", "Reason", "Since (UTC)"],
            [[hold.scope, hold.code, hold.reason, f"{hold.since:%Y-%m-%d %H:%M}"] for hold in holds],
            "Nothing is held.",
        ),
        Table(
            "Changes that wait for a second person",
            ["Change", "Proposed by", "Reason"],
            [[str(change), change.requested_by, change.reason] for change in waiting],
            "No change waits.",
        ),
        Table(
            "Incidents: the glass was broken",
            ["Change", "Broken by", "At (UTC)", "Why", "Looked at by"],
            [
                [
                    str(change),
                    change.decided_by,
                    f"{change.decided_at:%Y-%m-%d %H:%M}",
                    change.decision_reason,
                    change.looked_at_by or "nobody else yet",
                ]
                for change in shown
            ],
            "The glass was not broken.",
        ),
        Table(
            "Jobs",
            ["Job", "Every", "Last run (UTC)", "Took", "Outcome"],
            [[job.name, str(job.every), *_last(ran)] for job, ran in jobs],
            "There is no job.",
        ),
    ]
    alarms = [f"{len(waiting)} change(s) wait for a second person"] if waiting else []
    alarms += [
        f"the glass was broken: {change} by {change.decided_by}, and nobody else has looked at it "
        f"({change.decision_reason})"
        for change in shown
        if change.looked_at is None
    ]
    alarms += [f"The job {job.name} {wrong}" for job, ran in jobs if (wrong := _wrong(job, ran))]
    earlier = period.before()
    compared = [
        Compared(
            "broke", "Glass broken",
            *(str(forced.filter(decided_at__range=(each.start, each.end)).count()) for each in (period, earlier)),
        )
    ]  # fmt: skip
    return Section("governance", "Holds and changes", data, tables, alarms, compared=compared)


def _broken(change: ChangeRequest) -> dict[str, Any]:
    return {
        "id": change.pk,
        "action": change.action,
        "target": change.target,
        "broken_by": change.decided_by,
        "broken_at": change.decided_at,
        "reason": change.decision_reason,
        "looked_at": change.looked_at,
        "looked_at_by": change.looked_at_by,
    }


def _job(job: Job, ran: JobRun | None) -> dict[str, Any]:
    told = {"name": job.name, "every_seconds": int(job.every.total_seconds())}
    if ran is None:
        return {**told, "outcome": None, "started_at": None, "ended_at": None, "detail": ""}
    return {
        **told,
        "outcome": ran.outcome,
        "started_at": ran.started_at,
        "ended_at": ran.ended_at,
        "detail": ran.detail,
    }


def _last(ran: JobRun | None) -> list[str]:
    if ran is None:
        return ["never", "-", "-"]
    return [
        f"{ran.started_at:%Y-%m-%d %H:%M}",
        "-" if ran.took is None else f"{ran.took.total_seconds():.2f} s",
        str(ran.outcome),
    ]


def _wrong(job: Job, ran: JobRun | None) -> str:
    """Say what is wrong with a job that was ever run: it failed, or it is not run any more."""
    if ran is None:
        return ""
    if ran.outcome == JobRun.Outcome.FAILED:
        return f"failed {ran.failures} time(s) in a row: {ran.detail}"
    silent = watching.is_silent(job, ran, clock.database_now())
    return f"was started last at {ran.started_at:%Y-%m-%d %H:%M} UTC" if silent else ""
