"""The tables of Heimdall. Django finds models here, so this package alone names what its modules hold."""

from heimdall.models.decisions import HeimdallEvent, HeimdallRecommendation
from heimdall.models.evidence import HeimdallEvidence, HeimdallScorecardDay
from heimdall.models.policies import MAX_DAYS, MAX_TRIALS, HeimdallPolicy

__all__ = [
    "MAX_DAYS", "MAX_TRIALS", "HeimdallEvent", "HeimdallEvidence", "HeimdallPolicy", "HeimdallRecommendation",
    "HeimdallScorecardDay",
]  # fmt: skip
