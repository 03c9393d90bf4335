"""The one trail of what people change, approve and attempt. Rows are written by the service that applies a change."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from governance import clock, origin
from governance.models import AuditEvent


def canonical(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``values`` as JSON reads them back: decimals and times as text, so that two snapshots compare."""
    plain: dict[str, Any] = json.loads(json.dumps(values, cls=DjangoJSONEncoder))
    return plain


def record(
    *,
    action: str,
    target: str,
    actor: str,
    outcome: str = AuditEvent.Outcome.APPLIED,
    reason: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> AuditEvent:
    """Append one audit row, in the caller's transaction, with the origin of the call under way."""
    source = origin.current()
    return AuditEvent.objects.create(
        at=clock.now(),
        actor=actor,
        on_behalf_of=source.on_behalf_of,
        action=action,
        target=target,
        outcome=outcome,
        before=None if before is None else canonical(before),
        after=None if after is None else canonical(after),
        reason=reason,
        via=source.via,
        address=source.address,
        request_id=source.request_id,
        change_request_id=source.change_id,
    )
