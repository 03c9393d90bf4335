"""Shapes of the risk guard. What engines send is in minor units; what operators set and read in currency units."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from rest_framework import serializers

from governance.fields import (
    AmountField,
    BatchField,
    CountField,
    EndField,
    EngineField,
    MinorUnitsField,
    StrictBooleanField,
    TextField,
    UnitsField,
)
from governance.idempotency import MAX_KEY
from governance.serializers import WriteSerializer
from governance.shapes import shown
from riskguard.decisions import MAX_ORDERS, LedgerLine, Resolution, Ruling
from riskguard.models import RiskEvent, RiskLedgerDay, RiskPolicy, RiskReservation
from riskguard.rules import CAPS

_UNTIL = (
    "When what this loosens goes back to how it stood, or a throttle is looked at again (UTC); null, or left empty: "
    "never."
)
_RETIRED = "Whether it is switched off for good and left out of lists; its history stays, and it can be brought back."


class PolicySchema(serializers.Serializer[Any]):
    """The controls of a policy that an operator can change."""

    max_daily_loss = UnitsField(allow_null=True, help_text="Most lost in a UTC day, in currency units; null: no cap.")
    max_daily_exposure = UnitsField(allow_null=True, help_text="Most reserved in a UTC day, in currency units.")
    max_open_risk = UnitsField(allow_null=True, help_text="Most open at one time, in currency units.")
    max_amount_per_action = UnitsField(allow_null=True, help_text="Most that one action reserves, in currency units.")
    max_actions_per_day = CountField(allow_null=True, unit="actions", help_text="Most reservations in a UTC day.")
    max_actions_per_minute = CountField(allow_null=True, unit="actions", help_text="Most in any 60 seconds.")
    enabled = StrictBooleanField(help_text="Whether the engine may reserve at all.")
    until = EndField(help_text=_UNTIL)
    retired = StrictBooleanField(help_text=_RETIRED)


class PolicyUpsertSerializer(WriteSerializer):
    """The body of an upsert: the engine, and any of the policy's controls."""

    engine = EngineField()
    max_daily_loss = UnitsField(allow_null=True, required=False, help_text="In currency units; null: no cap.")
    max_daily_exposure = UnitsField(allow_null=True, required=False, help_text="In currency units; null: no cap.")
    max_open_risk = UnitsField(allow_null=True, required=False, help_text="In currency units; null: no cap.")
    max_amount_per_action = UnitsField(allow_null=True, required=False, help_text="In currency units; null: no cap.")
    max_actions_per_day = CountField(allow_null=True, required=False, unit="actions", help_text="null: no cap.")
    max_actions_per_minute = CountField(allow_null=True, required=False, unit="actions", help_text="null: no cap.")
    enabled = StrictBooleanField(required=False, help_text="Whether the engine may reserve at all.")
    until = EndField(required=False, help_text=_UNTIL)
    retired = StrictBooleanField(required=False, help_text=_RETIRED)


class PolicySerializer(serializers.ModelSerializer[RiskPolicy]):
    """A policy, in currency units."""

    max_daily_loss = UnitsField(allow_null=True)
    max_daily_exposure = UnitsField(allow_null=True)
    max_open_risk = UnitsField(allow_null=True)
    max_amount_per_action = UnitsField(allow_null=True)
    currency = serializers.SerializerMethodField(help_text="The currency of the caps.")

    class Meta:
        model = RiskPolicy
        fields: ClassVar = ["engine", *CAPS, "currency", "enabled", "changed_by", "reason", "updated_at"]

    def get_currency(self, _policy: RiskPolicy) -> str:
        """Return VALHALLA_CURRENCY."""
        return settings.VALHALLA_CURRENCY


class ListedPolicySerializer(PolicySerializer):
    """A policy as it is listed, with its end and whether it is retired."""

    retired = serializers.BooleanField(help_text=_RETIRED)

    class Meta(PolicySerializer.Meta):
        fields: ClassVar = [*PolicySerializer.Meta.fields, "until", "retired"]


class LedgerLineSerializer(serializers.Serializer[Any]):
    """A level's day, in currency units: what is used, each cap, and what is left of it."""

    day = serializers.DateField(help_text="The UTC day.")
    engine = serializers.CharField(help_text="The engine, or GLOBAL.")
    currency = serializers.CharField(help_text="The currency of the figures.")
    exposure_used = UnitsField()
    open_risk_reserved = UnitsField()
    realized_loss = UnitsField()
    actions_count = serializers.IntegerField()
    max_daily_loss = UnitsField(allow_null=True)
    max_daily_exposure = UnitsField(allow_null=True)
    max_open_risk = UnitsField(allow_null=True)
    max_amount_per_action = UnitsField(allow_null=True)
    max_actions_per_day = serializers.IntegerField(allow_null=True)
    max_actions_per_minute = serializers.IntegerField(allow_null=True)
    loss_left = UnitsField(allow_null=True)
    exposure_left = UnitsField(allow_null=True)
    open_risk_left = UnitsField(allow_null=True)
    actions_left = serializers.IntegerField(allow_null=True)
    policy_enabled = serializers.BooleanField()
    policy_reason = serializers.CharField()

    def to_representation(self, instance: LedgerLine) -> dict[str, Any]:
        """Flatten the line and its policy."""
        usage, policy, left = instance.usage, instance.policy, instance.left()
        return super().to_representation(
            {
                "day": instance.day,
                "engine": instance.engine,
                "currency": settings.VALHALLA_CURRENCY,
                "exposure_used": usage.exposure_used,
                "open_risk_reserved": usage.open_risk_reserved,
                "realized_loss": usage.realized_loss,
                "actions_count": usage.actions_count,
                **{cap: getattr(policy, cap, None) for cap in CAPS},
                **{f"{name}_left": figure for name, figure in left.items()},
                "policy_enabled": policy.enabled if policy else False,
                "policy_reason": policy.reason if policy else "",
            }
        )


class LedgerDaySerializer(serializers.ModelSerializer[RiskLedgerDay]):
    """A row of the ledger's history, in currency units."""

    exposure_used = UnitsField()
    open_risk_reserved = UnitsField()
    realized_loss = UnitsField()

    class Meta:
        model = RiskLedgerDay
        fields: ClassVar = ["day", "engine", "exposure_used", "open_risk_reserved", "realized_loss", "actions_count"]


class ReservationSerializer(serializers.ModelSerializer[RiskReservation]):
    """A reservation; its amounts are in minor units, as the engine sent them."""

    class Meta:
        model = RiskReservation
        fields: ClassVar = [
            "id", "engine", "amount", "currency", "day", "status", "actor", "idempotency_key", "correlation_id",
            "epoch", "created_at", "expires_at", "closed_at", "realized_loss", "settled_day", "resolved_by",
            "needs_review",
        ]  # fmt: skip


class EventSerializer(serializers.ModelSerializer[RiskEvent]):
    """A decision with its figures, in minor units."""

    class Meta:
        model = RiskEvent
        fields: ClassVar = [
            "id", "at", "day", "kind", "engine", "reservation", "amount", "reason", "policy", "cap", "limit", "used",
            "exposure_day", "exposure_delta", "open_risk_delta", "loss_delta", "actions_delta", "figures", "actor",
            "correlation_id", "request_id",
        ]  # fmt: skip


class OrderSerializer(serializers.Serializer[Any]):
    """What an engine asks for before it acts."""

    engine = EngineField()
    amount = AmountField()
    idempotency_key = TextField(
        max_length=MAX_KEY, required=False, help_text="The same key and body is the same reservation; or as a header."
    )
    correlation_id = TextField(max_length=64, required=False, default="", allow_blank=True, help_text="Your own id.")
    epoch = CountField(
        least=1, most=2**63 - 1, unit="changes", required=False,
        help_text="The X-Governance-Epoch that the request was admitted under: where the switches have been turned "
        "since, it is refused with stale_epoch.",
    )  # fmt: skip
    dry_run = StrictBooleanField(default=False, help_text="Say what would happen and change nothing.")


class ReserveSerializer(OrderSerializer, WriteSerializer):
    """One order, and who asks."""


class ReserveBatchSerializer(WriteSerializer):
    """Orders that are decided in turn, each as if it came alone, in one transaction."""

    items = BatchField(
        child=OrderSerializer(), most=MAX_ORDERS,
        help_text="The orders, each with a key of its own where it has one; none may be a dry run.",
    )  # fmt: skip


class SettleSerializer(WriteSerializer):
    """How an action ended."""

    reservation_id = CountField(least=1, most=2**63 - 1, unit="ids", help_text="The reservation.")
    realized_loss = MinorUnitsField()


class ReleaseSerializer(WriteSerializer):
    """An action that never happened."""

    reservation_id = CountField(least=1, most=2**63 - 1, unit="ids", help_text="The reservation.")


class DenialSerializer(serializers.Serializer[Any]):
    """Which cap refuses; figures in minor units, or actions."""

    policy = serializers.CharField(help_text="GLOBAL or the engine.")
    cap = serializers.CharField(help_text="The cap that refuses; empty where none does.")
    limit = serializers.IntegerField(allow_null=True, help_text="Its limit, in minor units or actions.")
    used = serializers.IntegerField(allow_null=True, help_text="What is used of it, in minor units or actions.")
    asked = serializers.IntegerField(allow_null=True, help_text="What was asked for, in minor units or actions.")


class RulingSerializer(serializers.Serializer[Any]):
    """The answer to check-and-reserve; ``ok`` is the only go."""

    ok = serializers.BooleanField(help_text="Whether the engine may act.")
    reason = serializers.CharField(help_text="reserved, or what refuses.")
    message = serializers.CharField(help_text="The same in words, with policy, cap, used and left.")
    reservation_id = serializers.IntegerField(allow_null=True, help_text="What to settle or release.")
    status = serializers.CharField(allow_null=True, help_text="The reservation's status.")
    engine = serializers.CharField(help_text="The engine.")
    amount = MinorUnitsField()
    currency = serializers.CharField(help_text="The currency of the amount.")
    expires_at = serializers.DateTimeField(allow_null=True, help_text="When the reservation expires (UTC).")
    epoch = serializers.IntegerField(allow_null=True, help_text="The switches' epoch.")
    dry_run = serializers.BooleanField(help_text="Whether nothing was changed.")
    replayed = serializers.BooleanField(help_text="Whether the key had its reservation already.")
    refused_by = DenialSerializer(allow_null=True)
    policy = PolicySerializer(allow_null=True)
    ledger = LedgerLineSerializer(allow_null=True)

    def to_representation(self, instance: Ruling) -> dict[str, Any]:
        """Flatten the ruling, its order and its reservation."""
        held, order, denial = instance.reservation, instance.order, instance.denial
        return {
            "ok": instance.ok,
            "reason": instance.reason,
            "message": instance.message,
            "reservation_id": held.pk if held else None,
            "status": held.status if held else None,
            "engine": order.engine,
            "amount": order.amount,
            "currency": settings.VALHALLA_CURRENCY,
            "expires_at": held.expires_at if held else None,
            "epoch": instance.epoch,
            "dry_run": order.dry_run,
            "replayed": instance.replayed,
            "refused_by": shown(DenialSerializer, denial) if denial and denial.policy else None,
            "policy": shown(PolicySerializer, instance.policy) if instance.policy else None,
            "ledger": shown(LedgerLineSerializer, instance.ledger) if instance.ledger else None,
        }


class RulingsSerializer(serializers.Serializer[Any]):
    """The answer to a batch: one for each order, in its place."""

    reserved = serializers.IntegerField(help_text="How many answers are a go.")
    refused = serializers.IntegerField(help_text="How many are not.")
    answers = RulingSerializer(many=True)


class FlagsSerializer(serializers.Serializer[Any]):
    """Whether a loss cap is reached, and whose."""

    loss_cap_reached = serializers.BooleanField(help_text="Whether either level's daily loss cap is reached.")
    reached_by = serializers.ListField(child=serializers.CharField(), help_text="GLOBAL, the engine, or both.")


class ResolutionSerializer(serializers.Serializer[Any]):
    """The answer to settle and release."""

    ok = serializers.BooleanField(help_text="Always true: settling and releasing are never refused.")
    reservation = ReservationSerializer()
    ledger = LedgerLineSerializer(many=True, help_text="GLOBAL's line and the engine's.")
    flags = FlagsSerializer()

    def to_representation(self, instance: Resolution) -> dict[str, Any]:
        """Return the resolution with ``ok``."""
        return {
            "ok": True,
            "reservation": shown(ReservationSerializer, instance.reservation),
            "ledger": [shown(LedgerLineSerializer, line) for line in instance.ledger],
            "flags": instance.flags,
        }
