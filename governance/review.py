"""The control plane review: every lever's section over one period, asked through the register."""

from __future__ import annotations

import datetime as dt
from typing import Any

from governance import clock, register
from governance.models import ChangeRequest, Hold
from governance.register import Period, Section, Table

WEEK = dt.timedelta(days=7)


def last_week() -> Period:
    """Return the seven days up to now."""
    end = clock.now()
    return Period(end - WEEK, end)


def sections(period: Period) -> list[Section]:
    """Return the kernel's section (holds, changes that wait) and every lever's, in their order."""
    return [_own(), *(lever.review(period) for lever in register.levers())]


def control_plane(period: Period) -> dict[str, Any]:
    """Return the whole review, JSON-ready: the period, whether something needs a person, and each section's data."""
    told = sections(period)
    alarms = [f"{section.title}: {alarm}" for section in told for alarm in section.alarms]
    return {
        "from": period.start,
        "to": period.end,
        "healthy": not alarms,
        "alarms": alarms,
        "sections": {section.name: section.data for section in told},
    }


def _own() -> Section:
    holds = list(Hold.objects.standing(clock.now()))
    waiting = list(ChangeRequest.objects.filter(status=ChangeRequest.Status.PENDING, expires_at__gt=clock.now()))
    data = {
        "holds": [
            {"scope": hold.scope, "source": hold.source, "code": hold.code, "reason": hold.reason, "since": hold.since}
            for hold in holds
        ],
        "pending_changes": [
            {"id": change.pk, "action": change.action, "target": change.target, "requested_by": change.requested_by}
            for change in waiting
        ],
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
    ]
    alarms = [f"{len(waiting)} change(s) wait for a second person"] if waiting else []
    alarms += [
        f"the glass was broken: {change} by {change.decided_by}, and nobody else has looked at it ({change.reason})"
        for change in ChangeRequest.objects.broken()
    ]
    return Section("governance", "Holds and changes", data, tables, alarms)
