"""Shapes of the switches."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from governance.fields import EndField, StrictBooleanField
from governance.serializers import WriteSerializer

_OVERRIDE = "Enable although the checklist fails; needs a reason."
_UNTIL = "Until when (UTC): then production is disabled again, by itself; null, or left empty: it stays enabled."


class GoLiveStateSerializer(serializers.Serializer[Any]):
    """The switches, who turned them last, and whether this process enforces them."""

    go_live_enabled = serializers.BooleanField(help_text="Production may run.")
    kill_switch_engaged = serializers.BooleanField(help_text="Everything that acts in production is refused.")
    changed_by = serializers.CharField(help_text="Who changed it last.")
    reason = serializers.CharField(help_text="Why.")
    updated_at = serializers.DateTimeField(help_text="When (UTC).")
    until = serializers.DateTimeField(
        allow_null=True, help_text="When production is disabled again by itself (UTC); null: never."
    )
    enforced = serializers.BooleanField(help_text="Whether this process enforces the switches at all.")
    environment = serializers.CharField(help_text="ENV.")
    epoch = serializers.IntegerField(help_text="Grows by one with every change.")


class CheckSerializer(serializers.Serializer[Any]):
    """One line of the checklist."""

    ok = serializers.BooleanField(help_text="Whether it passes.")
    detail = serializers.CharField(help_text="What was found, and what to do.")


class ChecklistSerializer(serializers.Serializer[Any]):
    """The go-live checklist."""

    ok = serializers.BooleanField(help_text="Whether every required line passes.")
    required = serializers.DictField(  # type: ignore[assignment]  # the contract's name, and a field of DRF's
        child=CheckSerializer(), help_text="Lines that keep production closed."
    )
    warnings = serializers.DictField(child=CheckSerializer(), help_text="Lines that a person should know of.")


class EnableSchema(serializers.Serializer[Any]):
    """What enabling takes."""

    override = StrictBooleanField(default=False, help_text=_OVERRIDE)
    until = EndField(required=False, help_text=_UNTIL)


class NothingSchema(serializers.Serializer[Any]):
    """What turning a switch takes: nothing beyond who and why."""


class EnableSerializer(WriteSerializer):
    """The body of enable."""

    override = StrictBooleanField(default=False, help_text=_OVERRIDE)
    until = EndField(required=False, help_text=_UNTIL)
