"""The one change that the kernel itself offers: the decision in which a review ends."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from governance import verdicts
from governance.register import Action
from governance.serializers import VerdictSchema


@dataclasses.dataclass(frozen=True, slots=True)
class _Fresh:
    """A decision that is not made yet: there is nothing to lock, and nothing to compare it with."""

    def snapshot(self) -> dict[str, Any]:
        """Return no control."""
        return {}


def _no_target(_target: str) -> str:
    return ""


def _fresh(_target: str) -> _Fresh:
    return _Fresh()


def _loosens_nothing(_standing: Mapping[str, Any], _patch: Mapping[str, Any]) -> frozenset[str]:
    return frozenset()


def _decide(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return verdicts.decide(verdict=patch["verdict"], actor=actor, reason=reason)


ACTIONS = (
    Action(
        name=verdicts.DECIDE, label="Record the review", schema=VerdictSchema, target=_no_target, lock=_fresh,
        loosens=_loosens_nothing, apply=_decide, needs_reason=True, noun="review",
    ),
)  # fmt: skip
