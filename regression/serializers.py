"""Shapes of the tripwires."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from governance.ending import UNTIL
from governance.fields import (
    BatchField,
    CountField,
    EndField,
    EngineField,
    FractionField,
    MetricField,
    NumberField,
    StrictBooleanField,
    TextField,
)
from governance.idempotency import MAX_KEY
from governance.serializers import WriteSerializer
from regression import rules
from regression.batches import MAX_OBSERVATIONS
from regression.limits import LEAST_BASELINE, LEAST_RUN, MAX_BASELINE, MAX_BLOCK, MAX_RUN, MOST_ERROR
from regression.models import KpiEvent, RegressionBaseline, RegressionIncident, RegressionPolicy, RegressionState
from regression.rules import CONTROLS, MAX_EVENTS, MAX_VALUE

_RETIRED = "Whether it is switched off for good and left out of lists; it can be brought back, switched off."
_WINDOW = "Most events of the current window."
_BASELINE = "Most events of the baseline before it."
_LEAST = "Events that both windows must hold before it can trigger; at most window_events and baseline_events."
_DROP = "The drop that triggers, as a share of the baseline: above 0, up to 1."
_ACTION = "What a trip does: disable the domain's risk policy, or engage the kill switch."
_ENABLED = "Whether it watches. Enabling it arms it."
_CAUSE = "What it turned out to be; the share of false alarms comes from it."
_SMALLEST = Decimal("0.000001")


def _told(name: str) -> str:
    return next(str(field.help_text) for field in RegressionPolicy._meta.fields if field.name == name)


class NothingToSetSchema(serializers.Serializer[Any]):
    """What re-arming and dealing with an incident take: nothing beyond who and why."""


class CauseSchema(serializers.Serializer[Any]):
    """What resolving an incident takes beyond who and why."""

    cause = serializers.ChoiceField(
        choices=RegressionIncident.Cause.choices, required=False, allow_blank=True, default="", help_text=_CAUSE
    )


class RegressionPolicySchema(serializers.Serializer[Any]):
    """The controls of a policy that an operator can change."""

    window_events = CountField(least=1, most=MAX_EVENTS, unit="events", help_text=_WINDOW)
    baseline_events = CountField(least=1, most=MAX_EVENTS, unit="events", help_text=_BASELINE)
    min_events_to_enforce = CountField(least=1, most=MAX_EVENTS, unit="events", help_text=_LEAST)
    max_drop_fraction = FractionField(min_value=_SMALLEST, help_text=_DROP)
    action = serializers.ChoiceField(choices=RegressionPolicy.Action.choices, help_text=_ACTION)
    enabled = StrictBooleanField(help_text=_ENABLED)
    mode = serializers.ChoiceField(choices=RegressionPolicy.Mode.choices, help_text=_told("mode"))
    detector = serializers.ChoiceField(choices=RegressionPolicy.Detector.choices, help_text=_told("detector"))
    baseline_kind = serializers.ChoiceField(
        choices=RegressionPolicy.BaselineKind.choices, help_text=_told("baseline_kind")
    )
    baseline_size = CountField(least=LEAST_BASELINE, most=MAX_BASELINE, unit="events", help_text=_told("baseline_size"))
    block_events = CountField(least=1, most=MAX_BLOCK, unit="events", help_text=_told("block_events"))
    value_low = NumberField(min_value=-MAX_VALUE, max_value=MAX_VALUE, help_text=_told("value_low"))
    value_high = NumberField(min_value=-MAX_VALUE, max_value=MAX_VALUE, help_text=_told("value_high"))
    beta = FractionField(min_value=_SMALLEST, max_value=MOST_ERROR, help_text=_told("beta"))
    run_length = CountField(least=LEAST_RUN, most=MAX_RUN, unit="events", help_text=_told("run_length"))
    alpha = FractionField(min_value=_SMALLEST, max_value=MOST_ERROR, help_text=_told("alpha"))
    until = EndField(help_text=UNTIL)
    retired = StrictBooleanField(help_text=_RETIRED)


class RegressionPolicyUpsertSerializer(WriteSerializer):
    """The body of an upsert: the tripwire, and any of its policy's controls."""

    domain = EngineField()
    metric = MetricField()

    def get_fields(self) -> dict[str, Any]:
        """Take each control as the schema does, and none of them as required."""
        controls = RegressionPolicySchema().get_fields()
        for field in controls.values():
            field.required = False
        return {**super().get_fields(), **controls}


class RegressionPolicySerializer(serializers.ModelSerializer[RegressionPolicy]):
    """A policy."""

    max_drop_fraction = FractionField(help_text=_DROP)
    beta = FractionField(help_text=_told("beta"))
    alpha = FractionField(help_text=_told("alpha"))
    retired = serializers.BooleanField(help_text=_RETIRED)

    class Meta:
        model = RegressionPolicy
        fields: ClassVar = ["domain", "metric", *CONTROLS, "until", "retired", "changed_by", "reason", "updated_at"]


class BaselineSerializer(serializers.ModelSerializer[RegressionBaseline]):
    """A pinned baseline, or one that is being taken: the note says what it waits for, and why."""

    class Meta:
        model = RegressionBaseline
        fields: ClassVar = [
            "id", "domain", "metric", "number", "status", "size", "events", "block_events", "value_low", "value_high",
            "beta", "mean", "bound", "correlation", "note", "pinned_by", "reason", "pinned_at", "completed_at",
        ]  # fmt: skip


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


class ObservationSerializer(serializers.Serializer[Any]):
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
        checked: dict[str, Any] = super().validate(attrs)
        return checked


class RecordKpiSerializer(ObservationSerializer, WriteSerializer):
    """One observation, and who reports it."""


class RecordKpisSerializer(WriteSerializer):
    """Observations that are recorded in order, as if one by one, in one transaction."""

    items = BatchField(child=ObservationSerializer(), most=MAX_OBSERVATIONS, help_text="The observations.")
    idempotency_key = TextField(
        max_length=MAX_KEY, required=False, help_text="The same key and observations are recorded once; or as a header."
    )


class RecordedSerializer(serializers.Serializer[Any]):
    """The answer to a recorded event."""

    ok = serializers.BooleanField(help_text="Always true.")
    id = serializers.IntegerField(help_text="The event.")


class RecordedManySerializer(serializers.Serializer[Any]):
    """The answer to a batch."""

    ok = serializers.BooleanField(help_text="Always true.")
    ids = serializers.ListField(child=serializers.IntegerField(), help_text="The events, each in its place.")
    triggered = serializers.ListField(
        child=serializers.CharField(),
        help_text="Which of their tripwires are triggered, such as WHOLESALE/contract_rate.",
    )


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
        fields: ClassVar = ["id", "at", "domain", "metric", "success", "value", "actor", "correlation_id", "request_id"]


class PathSerializer(serializers.Serializer[Any]):
    """How the figure that triggered moved, event by event, and where it triggers."""

    figure = serializers.ChoiceField(
        choices=["drop_fraction", "log_evidence"],
        help_text="drop_fraction: of the window's events so far (WINDOW); log_evidence: its natural log (SEQUENTIAL).",
    )
    alarm_at = serializers.FloatField(help_text="Where it triggers.")
    points = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField(), min_length=2, max_length=2),
        help_text="Pairs of an event's id and the figure at it, the oldest first; at most 120.",
    )


class RegressionIncidentSerializer(serializers.ModelSerializer[RegressionIncident]):
    """One trip, with the figures at the time."""

    max_drop_fraction = FractionField(help_text="The policy's limit at the time.")

    class Meta:
        model = RegressionIncident
        fields: ClassVar = [
            "id", "domain", "metric", "action", "mode", "detector", "status", "opened_at", "acknowledged_at",
            "acknowledged_by", "resolved_at", "resolved_by", "cause", "resolution", "baseline", "current",
            "drop_fraction", "max_drop_fraction", "baseline_count", "current_count", "first_event_id", "last_event_id",
            "onset_event_id", "onset_at", "events_to_detect",
        ]  # fmt: skip


class IncidentStorySerializer(RegressionIncidentSerializer):
    """One trip, with the way to it."""

    path = PathSerializer(allow_null=True, help_text="The way to the trip; null: of before it was kept.")

    class Meta(RegressionIncidentSerializer.Meta):
        fields: ClassVar = [*RegressionIncidentSerializer.Meta.fields, "path"]


class ResolveSerializer(WriteSerializer):
    """The body of resolve: the reason is kept as the resolution."""

    cause = serializers.ChoiceField(
        choices=RegressionIncident.Cause.choices, required=False, allow_blank=True, help_text=_CAUSE
    )


@extend_schema_field({"type": "number"})
class SecondsField(serializers.Field[Any, Any, Any, Any]):
    """A span of time, in seconds; null where none is known."""

    def __init__(self, source: str, text: str) -> None:
        """Take the span from ``source``."""
        super().__init__(source=source, read_only=True, allow_null=True, help_text=text)

    def to_representation(self, value: dt.timedelta) -> float:
        """Return the seconds."""
        return value.total_seconds()


class ReliabilitySerializer(serializers.Serializer[Any]):
    """How reliable a tripwire was: its trips, how fast they were found and dealt with, and how many were false."""

    domain = serializers.CharField(help_text="The domain.")
    metric = serializers.CharField(help_text="The metric.")
    trips = serializers.IntegerField(help_text="Trips that pulled the lever.")
    shadow_trips = serializers.IntegerField(help_text="Trips in SHADOW, which pulled nothing.")
    with_cause = serializers.IntegerField(help_text="Of both, those that were resolved with a cause.")
    false_alarms = serializers.IntegerField(help_text="Of these, the false alarms.")
    false_alarm_share = serializers.FloatField(allow_null=True, help_text="Their share; null while none has a cause.")
    mttd_seconds = SecondsField("mean_time_to_detect", "Mean time from the estimated onset to the trip.")
    mtta_seconds = SecondsField("mean_time_to_acknowledge", "Mean time from a trip to its acknowledgement.")
    mttr_seconds = SecondsField("mean_time_to_resolve", "Mean time from a trip to its resolution.")
