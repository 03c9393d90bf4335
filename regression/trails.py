"""The KPI events, for the sealer and the joined reading."""

from __future__ import annotations

from django.urls import reverse

from governance.register import Told, Trail
from governance.sections import Period
from regression import rules, selectors
from regression.models import KpiEvent


def _told(row: KpiEvent) -> Told:
    seen = f"{row.value:g}" if row.success is None else ("success" if row.success else "failure")
    return Told(
        at=row.at, actor=row.actor, what="kpi", about=rules.key(row.domain, row.metric), outcome=seen,
        request_id=row.request_id, correlation_id=row.correlation_id,
    )  # fmt: skip


def beside(engine: str, period: Period) -> list[Told]:
    """Return the incidents of ``engine`` that were opened or unresolved in ``period``, each with its page."""
    return [
        Told(
            at=row.opened_at, actor="the tripwire", what=f"incident {row.pk}", about=rules.key(row.domain, row.metric),
            outcome=str(row.get_status_display()), request_id="",
            href=reverse("admin:regression_regressionincident_change", args=[row.pk]),
        )
        for row in selectors.incidents_of(engine, period)
    ]  # fmt: skip


_COLUMNS = ("id", "tx", "at", "domain", "metric", "success", "value", "actor", "correlation_id")
TRAILS = (
    Trail(
        model=KpiEvent,
        columns={1: _COLUMNS, 2: (*_COLUMNS, "request_id")},
        told=_told,
    ),
)
