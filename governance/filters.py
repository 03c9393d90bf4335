"""Filters of the kernel's lists, and the filter fields that every lever's share."""

from __future__ import annotations

from typing import ClassVar

import django_filters

from governance.models import AuditEvent, ChangeRequest


class HistoryFilter(django_filters.FilterSet):
    """What every history can be narrowed by."""

    actor = django_filters.CharFilter(help_text="Who, exactly.")
    since = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="gte", help_text="From this time (UTC).")
    until = django_filters.IsoDateTimeFilter(field_name="at", lookup_expr="lt", help_text="Before this time (UTC).")


class AuditEventFilter(HistoryFilter):
    """The audit trail by who, what, outcome, request and time."""

    class Meta:
        model = AuditEvent
        fields: ClassVar = ["actor", "action", "target", "outcome", "via", "request_id", "change_request"]


class ChangeRequestFilter(django_filters.FilterSet):
    """Change requests by status, action, target and proposer."""

    class Meta:
        model = ChangeRequest
        fields: ClassVar = ["status", "action", "target", "requested_by"]
