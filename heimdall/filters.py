"""Filters of Heimdall's lists."""

from __future__ import annotations

from typing import ClassVar

import django_filters

from governance.filters import FilterSet, FlagFilter, HistoryFilter, IdFilter, MomentFilter
from heimdall.models import HeimdallEvent, HeimdallPolicy, HeimdallRecommendation, HeimdallScorecardDay


class PolicyFilter(FilterSet):
    """Policies by domain, engine and evidence rule."""

    class Meta:
        model = HeimdallPolicy
        fields: ClassVar = ["domain", "engine", "evidence_rule"]


class ScorecardDayFilter(FilterSet):
    """Scorecards by domain and day."""

    day_from = django_filters.DateFilter(field_name="day", lookup_expr="gte", help_text="From this UTC day.")
    day_to = django_filters.DateFilter(field_name="day", lookup_expr="lte", help_text="To this UTC day, included.")

    class Meta:
        model = HeimdallScorecardDay
        fields: ClassVar = ["domain", "day"]


class RecommendationFilter(FilterSet):
    """Recommendations by domain, eligibility, reason, actor, correlation, use and time."""

    authorized = FlagFilter(
        field_name="authorized_at", lookup_expr="isnull", exclude=True, help_text="Whether it was authorized."
    )
    outcome_known = FlagFilter(
        field_name="outcome", lookup_expr="isnull", exclude=True, help_text="Whether its outcome was told."
    )
    since = MomentFilter(field_name="created_at", lookup_expr="gte", help_text="From this time (UTC).")
    until = MomentFilter(field_name="created_at", lookup_expr="lt", help_text="Before this time (UTC).")

    class Meta:
        model = HeimdallRecommendation
        fields: ClassVar = [
            "domain", "engine", "prod_eligible", "gate_reason", "actor", "correlation_id", "authorized_by", "outcome",
        ]  # fmt: skip


class HeimdallEventFilter(HistoryFilter):
    """Decisions by domain, kind, reason, day, actor, recommendation, outcome and time."""

    recommendation = IdFilter(help_text="The recommendation.")

    class Meta:
        model = HeimdallEvent
        fields: ClassVar = ["domain", "kind", "reason", "day", "actor", "recommendation", "success"]
