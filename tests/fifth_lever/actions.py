"""The change that operators can submit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from governance import names
from governance.fields import StrictBooleanField
from governance.register import Action
from tests.fifth_lever import services


class WardSchema(serializers.Serializer[Any]):
    quarantined = StrictBooleanField(help_text="Whether the engine must not act.")


def _loosens(standing: Mapping[str, Any], patch: Mapping[str, Any]) -> set[str]:
    return {"quarantined"} if standing["quarantined"] and not patch["quarantined"] else set()


def _set(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.put(engine=target, quarantined=patch["quarantined"], actor=actor, reason=reason)


ACTIONS = (
    Action(
        name=services.SET, label="Quarantine an engine", schema=WardSchema, target=names.engine, lock=services.ward,
        loosens=_loosens, apply=_set,
    ),
)  # fmt: skip
