"""Filters of the kernel's lists, and the filter fields that every lever's share."""

from __future__ import annotations

import datetime as dt
from typing import Any, ClassVar

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django_filters.fields import IsoDateTimeField
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from governance.errors import Invalid
from governance.models import AuditEvent, ChangeRequest, Hold, ReviewDecision

RETIRED = OpenApiParameter("retired", bool, description="The retired policies, in place of those in use.")


class _FlagField(forms.Field):
    """true or false."""

    widget = forms.Select(choices=[("", "either"), ("true", "true"), ("false", "false")])

    def to_python(self, value: Any) -> bool | None:
        """Return the boolean; None where the filter is not used."""
        if value in self.empty_values:
            return None
        try:
            return {"true": True, "1": True, "false": False, "0": False}[str(value).lower()]
        except KeyError:
            raise ValidationError("Must be true or false.") from None


class FlagFilter(django_filters.Filter):
    """A boolean. What is neither true nor false is an error: taken for no filter, it would find every row."""

    field_class = _FlagField


class _MomentField(IsoDateTimeField):
    """A time in UTC."""

    def to_python(self, value: Any) -> dt.datetime | None:
        """Return the time; one that UTC cannot name (the year 1, east of Greenwich) is an error, and not a crash."""
        moment: dt.datetime | None = super().to_python(value)
        try:
            return moment and moment.astimezone(dt.UTC)
        except OverflowError:
            raise ValidationError("Is beyond the calendar: give a time such as 2026-11-24T12:00:00Z.") from None


class MomentFilter(django_filters.IsoDateTimeFilter):
    """A time, of any offset; without one it is UTC."""

    field_class = _MomentField


class IdFilter(django_filters.Filter):
    """The id of another row: a number, and no list of every row to choose from."""

    field_class = forms.IntegerField

    def __init__(self, **kwargs: Any) -> None:
        """Bound it by what a BIGINT holds."""
        super().__init__(min_value=1, max_value=2**63 - 1, **kwargs)


def asks_for_retired(request: Request) -> bool:
    """Say whether a list is asked for the retired policies in place of those in use; Invalid for an odd answer."""
    try:
        return bool(_FlagField(required=False).clean(request.query_params.get("retired", "")))
    except ValidationError as wrong:
        raise Invalid({"retired": list(wrong.messages)}) from None


class FilterSet(django_filters.FilterSet):
    """Filters by a model's fields, told in the fields' own words."""

    FILTER_DEFAULTS: ClassVar = {
        **django_filters.FilterSet.FILTER_DEFAULTS,
        models.BooleanField: {"filter_class": FlagFilter},
    }

    @classmethod
    def filter_for_field(cls, field: Any, field_name: str, lookup_expr: str | None = None) -> Any:
        """Return the filter with the help text of its field."""
        made = super().filter_for_field(field, field_name, lookup_expr)
        made.extra.setdefault("help_text", field.help_text)
        return made


class HistoryFilter(FilterSet):
    """What every history can be narrowed by."""

    actor = django_filters.CharFilter(help_text="Who, exactly.")
    since = MomentFilter(field_name="at", lookup_expr="gte", help_text="From this time (UTC).")
    until = MomentFilter(field_name="at", lookup_expr="lt", help_text="Before this time (UTC).")


class AuditEventFilter(HistoryFilter):
    """The audit trail by who, what, outcome, request and time."""

    change_request = IdFilter(help_text="The change request.")

    class Meta:
        model = AuditEvent
        fields: ClassVar = ["actor", "action", "target", "outcome", "via", "request_id", "change_request"]


class ReviewDecisionFilter(FilterSet):
    """Reviews by what they found, who decided and when."""

    since = MomentFilter(field_name="at", lookup_expr="gte", help_text="From this time (UTC).")
    until = MomentFilter(field_name="at", lookup_expr="lt", help_text="Before this time (UTC).")

    class Meta:
        model = ReviewDecision
        fields: ClassVar = ["verdict", "decided_by"]


class HoldFilter(FilterSet):
    """Holds by scope, source and code."""

    class Meta:
        model = Hold
        fields: ClassVar = ["scope", "source", "code"]


class ChangeRequestFilter(FilterSet):
    """Change requests by status, action, target and proposer."""

    class Meta:
        model = ChangeRequest
        fields: ClassVar = ["status", "action", "target", "requested_by"]
