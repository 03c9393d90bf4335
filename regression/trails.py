"""The KPI events, for the sealer and the joined reading."""

from __future__ import annotations

from governance.register import Told, Trail
from regression import rules
from regression.models import KpiEvent


def _told(row: KpiEvent) -> Told:
    seen = f"{row.value:g}" if row.success is None else ("success" if row.success else "failure")
    return Told(
        at=row.at, actor=row.actor, what="kpi", about=rules.key(row.domain, row.metric), outcome=seen,
        request_id=row.request_id, correlation_id=row.correlation_id,
    )  # fmt: skip


_COLUMNS = ("id", "tx", "at", "domain", "metric", "success", "value", "actor", "correlation_id")
TRAILS = (
    Trail(
        model=KpiEvent,
        columns={1: _COLUMNS, 2: (*_COLUMNS, "request_id")},
        told=_told,
    ),
)
