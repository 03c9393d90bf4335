"""Shapes of the reference engine."""

from __future__ import annotations

from typing import ClassVar

from rest_framework import serializers

from examples.deals.models import Deal
from governance.fields import AmountField, CountField, MinorUnitsField, StrictBooleanField, TextField
from governance.serializers import WriteSerializer


class OfferSerializer(WriteSerializer):
    """The body of an offer."""

    title = TextField(max_length=200, help_text="What is offered.")
    amount = AmountField()
    signed = StrictBooleanField(default=True, help_text="Whether the other side signed.")
    realized_loss = MinorUnitsField(default=0)
    recommendation_id = CountField(
        least=1, most=2**63 - 1, unit="ids", required=False, allow_null=True, default=None, help_text="If there is one."
    )


class DealSerializer(serializers.ModelSerializer[Deal]):
    """A deal; amounts in minor units."""

    class Meta:
        model = Deal
        fields: ClassVar = [
            "id", "title", "amount", "signed", "realized_loss", "reservation_id", "recommendation_id", "actor",
            "created_at",
        ]  # fmt: skip
