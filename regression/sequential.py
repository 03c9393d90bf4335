"""The SEQUENTIAL detector: evidence of a drop that may be looked at after every event. Pure, in logs, O(1) in state.

For each drop ``d`` of DROPS the units are bet on at the odds of a mean ``p1 = q (1 - d)`` against the baseline's lower
bound ``q``: a unit ``x`` from 0 to 1 multiplies the evidence by ``L = x p1 / q + (1 - x) (1 - p1) / (1 - q)``, whose
expectation is at most 1 while the true mean is at least ``q``. The alarm looks at the mean over the drops.

* THROTTLE, which a person can take back, is a Shiryaev-Roberts e-detector, ``M <- (M + 1) L``: while nothing has
  changed, false alarms are at least ``run_length`` events apart on average (Shin, Ramdas and Rinaldo, "E-detectors: a
  nonparametric framework for sequential change detection", New England Journal of Statistics in Data Science 2024).
* KILL_SWITCH, which stops everything, is an e-process that spends the weights ``w_k``, ``A <- (A + w_k) L``, which sum
  to 1 over all k: by Ville's inequality the probability that it ever reaches ``1 / alpha`` is at most ``alpha``.

Both promises hold where ``q`` is not above the true mean, which fails with probability ``beta`` at a pin.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import NamedTuple

from regression.rules import KILL_SWITCH, Event
from regression.units import Block, Scale, Unit, grown

DROPS = (0.1, 0.2, 0.3, 0.5)
_NOTHING = -math.inf
_WEIGHT = 2.352  # 1 / the sum over k of 1 / ((k + 10) ln(k + 10)^2)


@dataclasses.dataclass(frozen=True, slots=True)
class Settings:
    """What a policy asks of a SEQUENTIAL detector."""

    action: str
    baseline_size: int
    scale: Scale
    beta: float
    run_length: float
    alpha: float
    max_drop_fraction: float

    @property
    def units(self) -> int:
        """Return how many units a baseline has."""
        return self.baseline_size // self.scale.block_events

    def pin_error(self, pin: int) -> float:
        """Return the error that the ``pin``-th baseline may have: a decreasing share of a KILL_SWITCH's ``beta``."""
        return self.beta / pin**2 if self.action == KILL_SWITCH else self.beta

    def log_alarm(self, arming: int) -> float:
        """Return the log of the evidence that alarms.

        A KILL_SWITCH may spend ``alpha / n^2`` in its n-th arming, so that all together spend at most 1.65 ``alpha``.
        """
        if self.action == KILL_SWITCH:
            return math.log(arming**2 / self.alpha)
        return math.log(max(1.0, self.run_length / self.scale.block_events))

    def detector(self, *, bound: float, mean: float, arming: int) -> Detector:
        """Return the detector against a pinned baseline, in its ``arming``-th arming."""
        return Detector(bound, mean, self.action, self.log_alarm(arming), self.max_drop_fraction)


@dataclasses.dataclass(frozen=True, slots=True)
class Detector:
    """What is tested: the baseline's lower bound and mean as shares, the action, and what an alarm takes."""

    bound: float
    mean: float
    action: str
    log_alarm: float
    max_drop_fraction: float


class Lane(NamedTuple):
    """The evidence of one drop: in logs since the arming, and since the onset that Page's CUSUM would name.

    ``log_ratio`` is the log of the likelihood ratio since ``onset_id``, the first event after the ratio was last at or
    below 1; ``units`` and ``total`` are those since then.
    """

    log_evidence: float = _NOTHING
    log_ratio: float = 0.0
    onset_id: int = 0
    units: int = 0
    total: float = 0.0


class Evidence(NamedTuple):
    """The whole state of a test since it was armed: the unit in the making, and a lane for each drop."""

    block: Block = Block()
    units: int = 0
    lanes: tuple[Lane, ...] = (Lane(),) * len(DROPS)

    def plus(self, event: Event, scale: Scale, detector: Detector) -> Evidence:
        """Return the evidence with one more event, which weighs once its unit is complete."""
        block, unit = grown(self.block, event, scale)
        if unit is None:
            return self._replace(block=block)
        units = self.units + 1
        log_fresh = math.log(weight(units)) if detector.action == KILL_SWITCH else 0.0
        lanes = (
            _grown(lane, unit, math.log(ratio(unit.share, detector.bound, drop)), log_fresh)
            for lane, drop in zip(self.lanes, DROPS, strict=True)
        )
        return Evidence(block, units, tuple(lanes))


@dataclasses.dataclass(frozen=True, slots=True)
class Reading:
    """What the evidence shows: its log, the estimated onset, and the units, the mean and the drop since then.

    Before the first unit the onset is 0, the mean that of the baseline, and the drop 0.
    """

    log_evidence: float
    onset_id: int
    units: int
    mean: float
    drop: float
    alarms: bool


def read(evidence: Evidence, detector: Detector) -> Reading:
    """Return what the evidence shows; it alarms at ``log_alarm`` where the drop since the onset is large enough."""
    log_evidence = mean_in_logs([lane.log_evidence for lane in evidence.lanes])
    likeliest = max(evidence.lanes, key=lambda lane: lane.log_ratio)
    mean = likeliest.total / likeliest.units if likeliest.units else detector.mean
    drop = (detector.mean - mean) / detector.mean
    alarms = log_evidence >= detector.log_alarm and drop >= detector.max_drop_fraction
    return Reading(log_evidence, likeliest.onset_id, likeliest.units, mean, drop, alarms)


def ratio(share: float, bound: float, drop: float) -> float:
    """Return ``L``, by which a unit multiplies the evidence of ``drop``."""
    success = 1 - drop
    return share * success + (1 - share) * (1 - bound * success) / (1 - bound)


def weight(k: int) -> float:
    """Return ``w_k = c / ((k + 10) ln^2(k + 10))``, k from 1 on: what the k-th unit may bet afresh."""
    return _WEIGHT / ((k + 10) * math.log(k + 10) ** 2)


def mean_in_logs(logs: Sequence[float]) -> float:
    """Return the log of the mean of what ``logs`` are the logs of."""
    return _sum_in_logs(logs) - math.log(len(logs))


def _grown(lane: Lane, unit: Unit, log_ratio: float, log_fresh: float) -> Lane:
    log_evidence = _sum_in_logs((lane.log_evidence, log_fresh)) + log_ratio
    if lane.log_ratio <= 0:
        return Lane(log_evidence, log_ratio, unit.first_id, 1, unit.share)
    return Lane(log_evidence, lane.log_ratio + log_ratio, lane.onset_id, lane.units + 1, lane.total + unit.share)


def _sum_in_logs(logs: Sequence[float]) -> float:
    most = max(logs)
    return most if most == _NOTHING else most + math.log(math.fsum(math.exp(log - most) for log in logs))
