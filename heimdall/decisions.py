"""What Heimdall answers: values, with their words."""

from __future__ import annotations

import dataclasses

from heimdall.models import HeimdallPolicy, HeimdallRecommendation, HeimdallScorecardDay
from heimdall.rules import Evidence


@dataclasses.dataclass(frozen=True, slots=True)
class Trial:
    """The answer to a trial: whether it counts, and the day's scorecard with it (an unsaved, empty one if not).

    ``evidence`` is what the domain is judged by from now on; None without a policy.
    """

    ok: bool
    reason: str
    message: str
    scorecard: HeimdallScorecardDay
    evidence: Evidence | None


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """The answer to a recommendation: how it was stored, and the policy and evidence that it was judged by."""

    recommendation: HeimdallRecommendation
    policy: HeimdallPolicy | None
    evidence: Evidence


@dataclasses.dataclass(frozen=True, slots=True)
class Learned:
    """The answer to an outcome: whether it stands, and the recommendation with it."""

    ok: bool
    reason: str
    message: str
    recommendation: HeimdallRecommendation


@dataclasses.dataclass(frozen=True, slots=True)
class Authorization:
    """The answer to an authorization. ``ok`` is the only go; ``reason`` is ``gate_pass`` or what refuses.

    ``evidence`` is what it was judged by; None where there was no policy, or no lock in time.
    """

    ok: bool
    reason: str
    message: str
    recommendation: HeimdallRecommendation
    evidence: Evidence | None
