"""Filters of the risk guard's lists."""

from __future__ import annotations

from typing import ClassVar

import django_filters

from governance.filters import FilterSet, HistoryFilter, IdFilter
from riskguard.models import RiskEvent, RiskLedgerDay, RiskReservation


class LedgerDayFilter(FilterSet):
    """The ledger by engine and day."""

    day_from = django_filters.DateFilter(field_name="day", lookup_expr="gte", help_text="From this UTC day.")
    day_to = django_filters.DateFilter(field_name="day", lookup_expr="lte", help_text="To this UTC day, included.")

    class Meta:
        model = RiskLedgerDay
        fields: ClassVar = ["engine", "day"]


class ReservationFilter(FilterSet):
    """Reservations by engine, status, day, actor and correlation."""

    class Meta:
        model = RiskReservation
        fields: ClassVar = ["engine", "status", "day", "actor", "correlation_id", "needs_review"]


class EventFilter(HistoryFilter):
    """Decisions by engine, kind, reason, day, actor, reservation, correlation and time."""

    reservation = IdFilter(help_text="The reservation.")

    class Meta:
        model = RiskEvent
        fields: ClassVar = [
            "engine",
            "kind",
            "reason",
            "day",
            "actor",
            "reservation",
            "policy",
            "cap",
            "correlation_id",
        ]
