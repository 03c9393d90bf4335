"""Filters of the tripwires' lists."""

from __future__ import annotations

from typing import ClassVar

from governance.filters import FilterSet, HistoryFilter, MomentFilter
from regression.models import KpiEvent, RegressionBaseline, RegressionIncident


class KpiEventFilter(HistoryFilter):
    """Events by domain, metric, outcome, actor, correlation and time."""

    class Meta:
        model = KpiEvent
        fields: ClassVar = ["domain", "metric", "success", "actor", "correlation_id"]


class RegressionIncidentFilter(FilterSet):
    """Incidents by domain, metric, action, mode, detector, status, cause and time."""

    since = MomentFilter(field_name="opened_at", lookup_expr="gte", help_text="From this time (UTC).")
    until = MomentFilter(field_name="opened_at", lookup_expr="lt", help_text="Before this time (UTC).")

    class Meta:
        model = RegressionIncident
        fields: ClassVar = ["domain", "metric", "action", "mode", "detector", "status", "cause"]


class BaselineFilter(FilterSet):
    """Pinned baselines by domain, metric and status."""

    class Meta:
        model = RegressionBaseline
        fields: ClassVar = ["domain", "metric", "status"]
