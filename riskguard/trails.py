"""The risk guard's events, for the sealer and the joined reading."""

from __future__ import annotations

from governance.register import Told, Trail
from riskguard.models import RiskEvent


def _told(row: RiskEvent) -> Told:
    return Told(
        at=row.at, actor=row.actor, what=f"risk.{row.kind.lower()}", about=row.engine, outcome=row.reason,
        request_id=row.request_id, correlation_id=row.correlation_id,
    )  # fmt: skip


_COLUMNS = (
    "id", "tx", "at", "day", "kind", "engine", "reservation_id", "amount", "reason", "policy", "cap", "limit", "used",
    "exposure_day", "exposure_delta", "open_risk_delta", "loss_delta", "actions_delta", "figures", "actor",
    "correlation_id",
)  # fmt: skip
TRAILS = (
    Trail(
        model=RiskEvent,
        columns={1: _COLUMNS, 2: (*_COLUMNS, "request_id")},
        told=_told,
    ),
)
