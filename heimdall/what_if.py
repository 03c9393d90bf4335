"""What other thresholds would have let through, over what was recorded. Pure.

A recommendation is judged by its confidence and by the evidence as it stood when it came, as if production use had been
enabled. What it would have done nobody knows: beside it stands how the sandbox's trials of that confidence went.
"""

from __future__ import annotations

import bisect
import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal

from heimdall import rules
from heimdall.rules import Charter, Evidence

LEAST = 30  # recommendations, below which their share says too little


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    """A recommendation as it was recorded: how sure it was, and what the sandbox had shown when it came."""

    confidence: float
    evidence: Evidence


@dataclasses.dataclass(frozen=True, slots=True)
class History:
    """A domain's newest recommendations, the oldest of them from ``since``, and its trials: confidence and success."""

    since: dt.datetime | None = None
    recommendations: Sequence[Recorded] = ()
    trials: Sequence[tuple[float, bool]] = ()

    @property
    def is_enough(self) -> bool:
        """Say whether there are enough recommendations to tell anything."""
        return len(self.recommendations) >= LEAST


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """How many of ``considered`` would have passed: as the thresholds stand, and as they are asked for.

    ``gained`` would pass only as asked for, ``lost`` only as it stands. ``trials`` and ``successes`` are of the
    sandbox, where it was at least as sure as is asked for.
    """

    considered: int
    standing: int
    passing: int
    gained: int
    lost: int
    trials: int
    successes: int


def what_if(history: History, standing: Charter, asked: Charter) -> Outcome:
    """Return what ``asked`` would have let through instead of ``standing``."""
    now, then = ([_passes(one, charter) for one in history.recommendations] for charter in (standing, asked))
    sure = [success for confidence, success in history.trials if rules.confident(confidence, asked.min_confidence_prod)]
    return Outcome(
        considered=len(history.recommendations),
        standing=sum(now),
        passing=sum(then),
        gained=sum(after and not before for before, after in zip(now, then, strict=True)),
        lost=sum(before and not after for before, after in zip(now, then, strict=True)),
        trials=len(sure),
        successes=sum(sure),
    )


def passing_at(history: History, charter: Charter, thresholds: Sequence[Decimal]) -> list[int]:
    """Return how many would have passed at each of ``thresholds`` of confidence, the rest as in ``charter``."""
    borne = sorted(
        Decimal(repr(one.confidence)) for one in history.recommendations if not rules.unearned(charter, one.evidence)
    )
    return [len(borne) - bisect.bisect_left(borne, threshold) for threshold in thresholds]


def _passes(one: Recorded, charter: Charter) -> bool:
    enabled = dataclasses.replace(charter, prod_use_enabled=True)
    return rules.gate(enabled, one.confidence, one.evidence) == rules.GATE_PASS
