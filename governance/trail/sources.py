"""What the trail is made of: the kernel's audit rows, and the events that the levers announce."""

from __future__ import annotations

from governance import register
from governance.models import AuditEvent
from governance.register import Told, Trail


def _told(row: AuditEvent) -> Told:
    return Told(
        at=row.at,
        actor=row.actor,
        what=row.action,
        about=row.target,
        outcome=row.outcome,
        request_id=row.request_id,
    )


AUDIT = Trail(
    model=AuditEvent,
    columns={
        1: (
            "id", "tx", "at", "actor", "on_behalf_of", "action", "target", "outcome", "before", "after", "reason",
            "via", "address", "request_id", "change_request_id",
        )
    },
    told=_told,
)  # fmt: skip


def every() -> list[Trail]:
    """Return the sources, the audit rows first."""
    return [AUDIT, *(trail for lever in register.levers() for trail in lever.trails)]
