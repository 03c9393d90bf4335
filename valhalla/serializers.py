"""Shapes of the addresses of the whole."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from golive.serializers import CheckSerializer, GoLiveStateSerializer


class IndexSerializer(serializers.Serializer[Any]):
    """Where everything is."""

    name = serializers.CharField(help_text="Valhalla.")
    documentation = serializers.URLField(help_text="The API's documentation.")
    addresses = serializers.DictField(child=serializers.URLField(), help_text="Addresses without an argument, by name.")


class HeldSerializer(serializers.Serializer[Any]):
    """A hold that counts whether or not enforcement is on."""

    scope = serializers.CharField(help_text="The engine that must not act, or * for everything.")
    code = serializers.CharField(help_text="The reason for machines.")
    reason = serializers.CharField(help_text="The reason for people; empty where none was given.")


class StatusSerializer(GoLiveStateSerializer):
    """Where production stands, what holds, and how this process is set."""

    status = serializers.ChoiceField(
        choices=["LIVE", "DISABLED", "KILLED", "NOT ENFORCED"], help_text="Where production stands, in a word."
    )
    held = HeldSerializer(many=True)
    api_auth = serializers.ChoiceField(choices=["token", "open"], help_text="Who may call.")
    four_eyes = serializers.BooleanField(help_text="Whether what loosens a control waits for a second person.")
    currency = serializers.CharField(help_text="The currency of every figure of money.")


class HealthSerializer(serializers.Serializer[Any]):
    """That the process answers."""

    ok = serializers.BooleanField(help_text="Always true.")


class ReadySerializer(serializers.Serializer[Any]):
    """Whether the process can decide, and what is wrong where it cannot."""

    ok = serializers.BooleanField(help_text="Whether every check passes, whatever the warnings say.")
    checks = serializers.DictField(child=CheckSerializer(), help_text="The database, migrations and seeds, levers.")
    warnings = serializers.DictField(child=CheckSerializer(), help_text="The scheduler and the sealing of the trail.")
