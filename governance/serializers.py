"""Shapes of the kernel's own rows, and of what every write carries."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from rest_framework import serializers

from governance.fields import MAX_TEXT, CountField, TextField
from governance.models import AuditEvent, ChangeRequest, Hold, ReviewDecision
from governance.trail.reading import Line


class WriteSerializer(serializers.Serializer[Any]):
    """What every write carries: who (``actor``; ``changed_by`` means the same) and, on operators' writes, why."""

    actor = TextField(max_length=150, required=False, help_text="Who writes. With a token, for whom it is written.")
    changed_by = TextField(max_length=150, required=False, help_text="The same as actor.")
    reason = TextField(max_length=MAX_TEXT, required=False, allow_blank=True, default="", help_text="Why.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Make one actor out of the two words for it."""
        one, other = attrs.get("actor"), attrs.pop("changed_by", None)
        if one and other and one != other:
            raise serializers.ValidationError({"changed_by": ["Names another than actor: send one of the two."]})
        attrs["actor"] = one or other or ""
        return attrs

    def patch(self, *, without: Collection[str] = ()) -> dict[str, Any]:
        """Return the fields that the caller named, as sent, for the door to validate: not who, why or ``without``."""
        left_out = {"actor", "changed_by", "reason", *without}
        return {name: self.initial_data[name] for name in self.initial_data if name not in left_out}


class HoldSerializer(serializers.ModelSerializer[Hold]):
    """A hold."""

    class Meta:
        model = Hold
        fields: ClassVar = [
            "id",
            "scope",
            "source",
            "code",
            "key",
            "reason",
            "since",
            "starts_at",
            "until",
            "enforced_only",
        ]


class ChangeRequestSerializer(serializers.ModelSerializer[ChangeRequest]):
    """A change that waits, or waited, for a second person."""

    class Meta:
        model = ChangeRequest
        fields: ClassVar = [
            "id", "action", "target", "patch", "before", "reason", "requested_by", "requested_at", "expires_at",
            "status", "decided_by", "decided_at", "decision_reason", "looked_at", "looked_at_by",
        ]  # fmt: skip


class PendingSerializer(serializers.Serializer[Any]):
    """The 202: the change waits for a second person."""

    pending = serializers.BooleanField(help_text="Always true.")
    message = serializers.CharField(help_text="What waits, and what was applied at once.")
    change = ChangeRequestSerializer()


class AuditEventSerializer(serializers.ModelSerializer[AuditEvent]):
    """A row of the audit trail."""

    class Meta:
        model = AuditEvent
        fields: ClassVar = [
            "id", "at", "actor", "on_behalf_of", "action", "target", "outcome", "before", "after", "reason", "via",
            "address", "request_id", "change_request",
        ]  # fmt: skip


class VerdictField(serializers.ChoiceField):
    """What a review found, in any case."""

    def __init__(self, **kwargs: Any) -> None:
        """Offer the verdicts."""
        super().__init__(choices=ReviewDecision.Verdict.choices, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        """Return the verdict in its one spelling."""
        return str(super().to_internal_value(data.upper() if isinstance(data, str) else data))


class VerdictSchema(serializers.Serializer[Any]):
    """What the decision of a review sets."""

    verdict = VerdictField(help_text="What the review found: healthy, watch or intervene.")


class VerdictSerializer(VerdictSchema, WriteSerializer):
    """The body that records a review; the reason is its note."""

    reason = TextField(max_length=MAX_TEXT, help_text="The note: why, and what is to be done.")


class ReviewDecisionSerializer(serializers.ModelSerializer[ReviewDecision]):
    """What a review ended in."""

    class Meta:
        model = ReviewDecision
        fields: ClassVar = ["id", "at", "period_start", "period_end", "verdict", "note", "decided_by", "alarms"]


class ReviewQuerySerializer(serializers.Serializer[Any]):
    """Which week the review is of."""

    week = serializers.DateField(
        required=False,
        help_text="A day of the UTC week (Monday to Monday) to review; left out: the seven days up to now.",
    )


class TrailQuerySerializer(serializers.Serializer[Any]):
    """What the joined reading can be narrowed by."""

    since = serializers.DateTimeField(required=False, help_text="From this time (UTC).")
    source = TextField(  # type: ignore[assignment]  # a field of DRF's has the name too
        max_length=64, required=False, default="", help_text="One table alone, such as risk_event."
    )
    actor = TextField(max_length=150, required=False, default="", help_text="Who, exactly.")
    page_size = CountField(least=1, most=500, unit="lines", required=False, default=50, help_text="1 to 500.")
    cursor = TextField(max_length=200, required=False, default="", help_text="From the answer before.")


class TrailLineSerializer(serializers.Serializer[Any]):
    """A line of the joined reading."""

    at = serializers.DateTimeField(help_text="When (UTC).")
    source = serializers.CharField(help_text="The table.")  # type: ignore[assignment]  # as above
    id = serializers.IntegerField(help_text="The row.")
    actor = serializers.CharField(help_text="Who.")
    what = serializers.CharField(help_text="What was decided or changed.")
    about = serializers.CharField(help_text="The engine, domain or target.")
    outcome = serializers.CharField(help_text="What came of it.")
    request_id = serializers.CharField(help_text="The id of the request that it came of, if of one.")
    correlation_id = serializers.CharField(help_text="The engine's own id.")

    def to_representation(self, instance: Line) -> dict[str, Any]:
        """Flatten the line."""
        told, mark = instance.told, instance.mark
        return super().to_representation(
            {
                "at": mark.at, "source": mark.source, "id": mark.id, "actor": told.actor, "what": told.what,
                "about": told.about, "outcome": told.outcome, "request_id": told.request_id,
                "correlation_id": told.correlation_id,
            }
        )  # fmt: skip


class TrailPageSerializer(serializers.Serializer[Any]):
    """A page of the joined reading, the newest line first."""

    next = serializers.CharField(allow_null=True, help_text="The cursor of the next page; null at the end.")
    results = TrailLineSerializer(many=True)


class ProblemSerializer(serializers.Serializer[Any]):
    """An error, as RFC 9457 problem details."""

    type = serializers.CharField(help_text="about:blank: the status and the code say it all.")
    title = serializers.CharField(help_text="The status in words.")
    status = serializers.IntegerField(help_text="The HTTP status.")
    detail = serializers.CharField(help_text="What is wrong and what to do.")
    code = serializers.CharField(help_text="What is wrong, for machines.")
    errors = serializers.DictField(  # type: ignore[assignment]  # the member that RFC 9457 extensions carry
        child=serializers.ListField(child=serializers.CharField()), required=False, help_text="Sentences by field."
    )
