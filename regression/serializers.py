"""Shapes of the tripwires."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, ClassVar

from rest_framework import serializers

from governance.fields import (
    CountField,
    EngineField,
    FractionField,
    MetricField,
    NumberField,
    StrictBooleanField,
    TextField,
)
from governance.serializers import WriteSerializer
from regression import rules
from regression.models import KpiEvent, RegressionIncident, RegressionPolicy, RegressionState
from regression.rules import CONTROLS, MAX_EVENTS, MAX_VALUE

_WINDOW = "Most events of the current window."
_BASELINE = "Most events of the baseline before it."
_LEAST = "Events that both windows must hold before it can trigger; at most window_events and baseline_events."
_DROP = "The drop that triggers, as a share of the baseline: above 0, up to 1."
_ACTION = "What a trip does: disable the domain's risk policy, or engage the kill switch."
_ENABLED = "Whether it watches. Enabling it arms it."
_SMALLEST_DROP = Decimal("0.000001")


class NothingToSetSchema(serializers.Serializer[Any]):
    """What re-arming and dealing with an incident take: nothing beyond who and why."""


class RegressionPolicySchema(serializers.Serializer[Any]):
    """The controls of a policy that an operator can change."""

    window_events = CountField(least=1, most=MAX_EVENTS, unit="events", help_text=_WINDOW)
    baseline_events = CountField(least=1, most=MAX_EVENTS, unit="events", help_text=_BASELINE)
    min_events_to_enforce = CountField(least=1, most=MAX_EVENTS, unit="events", help_text=_LEAST)
    max_drop_fraction = FractionField(min_value=_SMALLEST_DROP, help_text=_DROP)
    action = serializers.ChoiceField(choices=RegressionPolicy.Action.choices, help_text=_ACTION)
    enabled = StrictBooleanField(help_text=_ENABLED)


class RegressionPolicyUpsertSerializer(WriteSerializer):
    """The body of an upsert: the tripwire, and any of its policy's controls."""

    domain = EngineField()
    metric = MetricField()
    window_events = CountField(least=1, most=MAX_EVENTS, unit="events", required=False, help_text=_WINDOW)
    baseline_events = CountField(least=1, most=MAX_EVENTS, unit="events", required=False, help_text=_BASELINE)
    min_events_to_enforce = CountField(least=1, most=MAX_EVENTS, unit="events", required=False, help_text=_LEAST)
    max_drop_fraction = FractionField(min_value=_SMALLEST_DROP, required=False, help_text=_DROP)
    action = serializers.ChoiceField(choices=RegressionPolicy.Action.choices, required=False, help_text=_ACTION)
    enabled = StrictBooleanField(required=False, help_text=_ENABLED)


class RegressionPolicySerializer(serializers.ModelSerializer[RegressionPolicy]):
    """A policy."""

    max_drop_fraction = FractionField(help_text=_DROP)

    class Meta:
        model = RegressionPolicy
        fields: ClassVar = ["domain", "metric", *CONTROLS, "changed_by", "reason", "updated_at"]


class RegressionStateSerializer(serializers.ModelSerializer[RegressionState]):
    """How a tripwire stands, and what it saw last."""

    class Meta:
        model = RegressionState
        fields: ClassVar = [
            "domain", "metric", "triggered", "baseline", "current", "drop_fraction", "baseline_count", "current_count",
            "last_checked_at", "last_triggered_at", "note",
        ]  # fmt: skip


class TripwireSerializer(WriteSerializer):
    """The body of evaluate and rearm: which tripwire."""

    domain = EngineField()
    metric = MetricField()


class RecordKpiSerializer(WriteSerializer):
    """One observation: exactly one of success and value."""

    domain = EngineField()
    metric = MetricField()
    success = StrictBooleanField(required=False, allow_null=True, help_text="Whether it succeeded.")
    value = NumberField(
        required=False, allow_null=True, min_value=-MAX_VALUE, max_value=MAX_VALUE, help_text="Its value, a number."
    )
    correlation_id = TextField(max_length=64, required=False, default="", allow_blank=True, help_text="Your own id.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse both and neither of success and value."""
        wrong = rules.malformed(attrs.get("success"), attrs.get("value"))
        if wrong:
            raise serializers.ValidationError(wrong)
        return super().validate(attrs)


class RecordedSerializer(serializers.Serializer[Any]):
    """The answer to a recorded event."""

    ok = serializers.BooleanField(help_text="Always true.")
    id = serializers.IntegerField(help_text="The event.")


class EvaluatedSerializer(serializers.Serializer[Any]):
    """The answer to an evaluation."""

    ok = serializers.BooleanField(help_text="Whether there is such a tripwire.")
    reason = serializers.CharField(required=False, help_text="policy_missing, where there is none.")
    message = serializers.CharField(required=False, help_text="The same in words.")
    state = RegressionStateSerializer(allow_null=True)


class KpiEventSerializer(serializers.ModelSerializer[KpiEvent]):
    """A recorded event."""

    class Meta:
        model = KpiEvent
        fields: ClassVar = ["id", "at", "domain", "metric", "success", "value", "actor", "correlation_id"]


class RegressionIncidentSerializer(serializers.ModelSerializer[RegressionIncident]):
    """One trip, with the figures at the time."""

    max_drop_fraction = FractionField(help_text="The policy's limit at the time.")

    class Meta:
        model = RegressionIncident
        fields: ClassVar = [
            "id", "domain", "metric", "action", "status", "opened_at", "acknowledged_at", "acknowledged_by",
            "resolved_at", "resolved_by", "resolution", "baseline", "current", "drop_fraction", "max_drop_fraction",
            "baseline_count", "current_count", "first_event_id", "last_event_id",
        ]  # fmt: skip
