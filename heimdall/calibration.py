"""How honest stated confidences are, by what came of the recommendations that were authorized. Pure.

A calibrated model that says 0.95 is right 95 times in a hundred. The Brier score is the mean squared distance of
confidence and outcome (Brier, Monthly Weather Review 1950). The expected calibration error (ECE) is the mean distance
of stated confidence and success rate over bins that hold about as many outcomes each (Naeini, Cooper and Hauskrecht,
AAAI 2015). It is never 0 on few outcomes, even for a perfect model, so it says nothing alone: beside it stands what a
perfectly calibrated model with the same confidences shows, by simulation.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

from heimdall.intervals import wilson

MOST_BINS, LEAST_IN_BIN = 10, 10
RUNS, SEED = 1_000, 20260113
Pair = tuple[float, bool]


@dataclasses.dataclass(frozen=True, slots=True)
class Share:
    """How many of some outcomes, at least one, were successes, and the 95 percent interval of the true rate."""

    outcomes: int
    successes: int
    low: float
    high: float

    @property
    def rate(self) -> float:
        """Return the success rate."""
        return self.successes / self.outcomes


@dataclasses.dataclass(frozen=True, slots=True)
class Bin:
    """The outcomes whose confidences lie from ``least`` to ``most``, ``stated`` on average."""

    least: float
    most: float
    stated: float
    share: Share


@dataclasses.dataclass(frozen=True, slots=True)
class Threshold:
    """What a threshold, the present one or a higher, would have let through: ``kept`` is the share of all outcomes."""

    confidence: float
    kept: float
    share: Share


@dataclasses.dataclass(frozen=True, slots=True)
class Calibrated:
    """What a perfectly calibrated model shows with the same confidences.

    ``brier`` is exact; ``ece`` is the mean of RUNS simulations from SEED, ``ece_most`` what 95 percent of them stay
    within, and ``as_far`` the share of them whose ECE is at least the one that was measured.
    """

    brier: float
    ece: float
    ece_most: float
    as_far: float


@dataclasses.dataclass(frozen=True, slots=True)
class Report:
    """The calibration of a domain: of all outcomes, by bins of confidence, and beside a perfect model's."""

    share: Share
    stated: float
    brier: float
    ece: float
    perfect: Calibrated
    bins: list[Bin]
    thresholds: list[Threshold]


def report(pairs: Sequence[Pair], threshold: float) -> Report | None:
    """Return the calibration of ``pairs`` of confidence and success; None where there is none.

    ``threshold`` is the least confidence that is authorized now. What is below it has no outcomes, or only those of an
    earlier and lower threshold, so nothing is said of thresholds below it.
    """
    if not pairs:
        return None
    ordered = sorted(pairs)
    groups = _grouped(ordered)
    bins = [_bin(group) for group in groups]
    stated = math.fsum(confidence for confidence, _success in pairs) / len(pairs)
    brier = math.fsum((confidence - success) ** 2 for confidence, success in pairs) / len(pairs)
    ece = math.fsum(abs(bin_.share.rate - bin_.stated) * bin_.share.outcomes for bin_ in bins) / len(pairs)
    levels = sorted({threshold, *(bin_.least for bin_ in bins[1:] if bin_.least > threshold)})
    return Report(
        _share(pairs), stated, brier, ece, _perfect(groups, ece), bins,
        [found for level in levels if (found := _threshold(ordered, level)) is not None],
    )  # fmt: skip


def _grouped(ordered: Sequence[Pair]) -> list[list[Pair]]:
    """Return at most MOST_BINS groups of about as many outcomes; equal confidences are never parted."""
    size = max(LEAST_IN_BIN, math.ceil(len(ordered) / MOST_BINS))
    groups: list[list[Pair]] = [[]]
    for place, pair in enumerate(ordered):
        full = len(groups[-1]) >= size and len(ordered) - place >= LEAST_IN_BIN
        if full and groups[-1][-1][0] != pair[0]:
            groups.append([])
        groups[-1].append(pair)
    return groups


def _bin(group: Sequence[Pair]) -> Bin:
    stated = math.fsum(confidence for confidence, _success in group) / len(group)
    return Bin(group[0][0], group[-1][0], stated, _share(group))


def _share(pairs: Sequence[Pair]) -> Share:
    successes = sum(success for _confidence, success in pairs)
    return Share(len(pairs), successes, *(wilson(successes, len(pairs)) or (0.0, 1.0)))


def _threshold(ordered: Sequence[Pair], level: float) -> Threshold | None:
    passing = [pair for pair in ordered if pair[0] >= level]
    return Threshold(level, len(passing) / len(ordered), _share(passing)) if passing else None


def _perfect(groups: Sequence[Sequence[Pair]], ece: float) -> Calibrated:
    """Return what outcomes that follow the confidences exactly would show, in the same bins."""
    # Imported here: only a report pays for it.
    import numpy as np  # noqa: PLC0415

    rng = np.random.default_rng(SEED)
    total = sum(len(group) for group in groups)
    distance, brier = np.zeros(RUNS), 0.0
    for group in groups:
        stated = np.array([confidence for confidence, _success in group])
        succeeded = (rng.random((RUNS, len(group))) < stated).sum(axis=1)
        distance += abs(succeeded - stated.sum()) / total
        brier += float((stated * (1 - stated)).sum()) / total
    as_far = float((distance >= ece - 1e-12).mean())
    return Calibrated(brier, float(distance.mean()), float(np.quantile(distance, 0.95)), as_far)
