"""What other thresholds would have let through, over what was recorded. Pure.

A recommendation is judged by its confidence and by the evidence as it stood when it came, by the policy's own evidence
rule, as if production use had been enabled and the thresholds had stood all along. What it would have done nobody
knows: beside it stands how the sandbox's trials of that confidence went.
"""

from __future__ import annotations

import bisect
import dataclasses
import datetime as dt
import itertools
from collections.abc import Sequence
from decimal import Decimal

from heimdall import anytime, rules
from heimdall.legs import Leg
from heimdall.rules import Charter, Evidence

LEAST = 30  # recommendations, below which their share says too little


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    """A recommendation as it was recorded: how sure it was, and what the sandbox had shown when it came.

    POINT judges by ``evidence``, ANYTIME by ``place``: the leg of the history, and how many of its outcomes had come.
    """

    confidence: float
    evidence: Evidence
    place: tuple[int, int] = (0, 0)


@dataclasses.dataclass(frozen=True, slots=True)
class History:
    """A domain's newest recommendations, the oldest of them from ``since``, and its trials: confidence and success.

    ``evidence_rule`` judges them, ANYTIME by the ``legs`` of the trials. ``left_out`` more were recorded under the
    other rule, without what this one needs.
    """

    since: dt.datetime | None = None
    recommendations: Sequence[Recorded] = ()
    trials: Sequence[tuple[float, bool]] = ()
    evidence_rule: str = rules.POINT
    legs: Sequence[Leg] = ()
    left_out: int = 0

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
    now, then = _passes(history, standing), _passes(history, asked)
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


def ladder(history: History, standing: Charter, confidences: Sequence[Decimal]) -> list[Outcome]:
    """Return the same for each of ``confidences`` asked for, the rest as it stands, in one reading of the history."""
    earned = zip(history.recommendations, _earned(history, standing), strict=True)
    borne = sorted(_exactly(one.confidence) for one, has_earned in earned if has_earned)
    tried = sorted((_exactly(confidence), success) for confidence, success in history.trials)
    sure = [confidence for confidence, _success in tried]
    succeeded = [0, *itertools.accumulate(success for _confidence, success in reversed(tried))]

    def passing(confidence: Decimal) -> int:
        return len(borne) - bisect.bisect_left(borne, confidence)

    now = passing(standing.min_confidence_prod)
    found = []
    for confidence in confidences:
        then, trials = passing(confidence), len(sure) - bisect.bisect_left(sure, confidence)
        found.append(
            Outcome(
                considered=len(history.recommendations),
                standing=now,
                passing=then,
                gained=max(0, then - now),
                lost=max(0, now - then),
                trials=trials,
                successes=succeeded[trials],
            )
        )
    return found


def _passes(history: History, charter: Charter) -> list[bool]:
    earned = zip(history.recommendations, _earned(history, charter), strict=True)
    return [rules.confident(one.confidence, charter.min_confidence_prod) and has_earned for one, has_earned in earned]


def _earned(history: History, charter: Charter) -> list[bool]:
    """Say of each recommendation whether the evidence bore it when it came."""
    if history.evidence_rule == rules.POINT:
        return [not rules.unearned(charter, one.evidence) for one in history.recommendations]
    shown = [leg.shown(charter.min_sandbox_success_rate) for leg in history.legs]
    places = (one.place for one in history.recommendations)
    return [rules.answer(charter, shown[leg][seen]) == anytime.ELIGIBLE for leg, seen in places]


def _exactly(confidence: float) -> Decimal:
    """Return a double as the number that it is written as, by which the gate compares it."""
    return Decimal(repr(confidence))
