"""What Heimdall answers: values, with their words."""

from __future__ import annotations

import dataclasses

from heimdall.models import HeimdallPolicy, HeimdallRecommendation, HeimdallScorecardDay
from heimdall.rules import Evidence


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """The answer to a trial: whether it counts, and the day's scorecard with it (an unsaved, empty one if not)."""

    ok: bool
    reason: str
    message: str
    scorecard: HeimdallScorecardDay


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """The answer to a recommendation: how it was stored, and the policy and evidence that it was judged by."""

    recommendation: HeimdallRecommendation
    policy: HeimdallPolicy | None
    evidence: Evidence


@dataclasses.dataclass(frozen=True, slots=True)
class Authorization:
    """The answer to an authorization. ``ok`` is the only go; ``reason`` is ``gate_pass`` or what refuses."""

    ok: bool
    reason: str
    message: str
    recommendation: HeimdallRecommendation
