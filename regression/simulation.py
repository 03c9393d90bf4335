"""What a detector does on streams that nobody recorded: false alarms and delays, by seeded simulation. Pure.

Both detectors are stepped here for many streams at once, in arrays; that they do what the rules do is tested. Every
stream brings its own baseline, so that the figures hold what a baseline's own luck does to the test after it. After an
alarm a stream is re-armed at once.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from regression import baselines, sequential
from regression.baselines import PinnedTerms, Sums
from regression.rules import KILL_SWITCH, Terms
from regression.sequential import Settings

Array = NDArray[Any]
DROPS = (0.1, 0.2, 0.3, 0.5)
TRIALS, EVENTS, HORIZON = 400, 5_000, 5_000


@dataclasses.dataclass(frozen=True, slots=True)
class Rate:
    """A metric of successes at a rate."""

    rate: float

    def draw(self, rng: np.random.Generator, size: tuple[int, ...], drop: float = 0.0) -> Array:
        """Return successes as 1.0 and failures as 0.0, at the rate less ``drop``, a share of it."""
        return (rng.random(size) < self.rate * (1 - drop)).astype(float)


@dataclasses.dataclass(frozen=True, slots=True)
class Values:
    """A metric of values that come again as they came before, in any order."""

    seen: Array

    def draw(self, rng: np.random.Generator, size: tuple[int, ...], drop: float = 0.0) -> Array:
        """Return values out of those seen, each less ``drop``, a share of it."""
        return rng.choice(self.seen, size) * (1 - drop)


Population = Rate | Values
Setting = Settings | Terms | PinnedTerms


class Streams(Protocol):
    """A detector on many streams."""

    block_events: int

    def step(self, units: Array) -> NDArray[np.bool_]:
        """Take a unit of each stream, say which alarm, and re-arm those."""


@dataclasses.dataclass(frozen=True, slots=True)
class Forecast:
    """What to expect of a detector: of ``events`` events without a change, and after drops of several sizes.

    A delay is the median number of events from the drop to the alarm, None where it is beyond the simulated horizon.
    """

    false_alarm_probability: float
    false_alarms_per_1000: float
    median_delays: dict[float, float | None]


def forecast(
    detector: Setting,
    population: Population,
    *,
    seed: int,
    trials: int = TRIALS,
    events: int = EVENTS,
    before: int = 1_000,
    horizon: int = HORIZON,
    progress: Callable[[float], None] = lambda _done: None,
) -> Forecast:
    """Return what ``detector`` does over ``events`` unchanged events, and on drops ``before`` events after arming."""
    rng = np.random.default_rng(seed)
    ever, count = false_alarms(detector, population, rng, trials=trials, events=events)
    progress(0.5)
    armed = streams(detector, population, rng, trials)
    run(armed, population, rng, trials=trials, events=before)
    delays = {}
    for done, drop in enumerate(DROPS, 1):
        seen = delays_after(copy.deepcopy(armed), population, rng, trials=trials, drop=drop, horizon=horizon)
        median = float(np.median(seen))
        delays[drop] = median if median <= horizon else None
        progress(0.5 + done / len(DROPS) / 2)
    return Forecast(float(ever.mean()), float(count.mean()) * 1_000 / events, delays)


def false_alarms(
    detector: Setting, population: Population, rng: np.random.Generator, *, trials: int, events: int
) -> tuple[NDArray[np.bool_], Array]:
    """Return which streams alarm at least once within ``events`` unchanged events, and how often each does."""
    armed = streams(detector, population, rng, trials)
    count = run(armed, population, rng, trials=trials, events=events)
    return count > 0, count


def delays_after(
    armed: Streams, population: Population, rng: np.random.Generator, *, trials: int, drop: float, horizon: int
) -> Array:
    """Return each stream's events from a drop, which begins now, to its alarm; infinite where the median needs none.

    It ends at the ``horizon``, and once more than half have alarmed: the median is known by then.
    """
    delay = np.full(trials, np.inf)
    for unit in range(1, horizon // armed.block_events + 1):
        alarmed = armed.step(_units(armed, population, rng, trials, drop))
        delay[alarmed & np.isinf(delay)] = unit * armed.block_events
        if np.isfinite(delay).sum() * 2 > trials:
            break
    return delay


def run(armed: Streams, population: Population, rng: np.random.Generator, *, trials: int, events: int) -> Array:
    """Step through ``events`` unchanged events and return how often each stream alarms."""
    count = np.zeros(trials, dtype=int)
    for _unit in range(events // armed.block_events):
        count += armed.step(_units(armed, population, rng, trials))
    return count


def streams(detector: Setting, population: Population, rng: np.random.Generator, trials: int) -> Streams:
    """Return ``detector`` armed on as many streams as ``trials``, each after a baseline of its own."""
    if isinstance(detector, Terms):
        return WindowStreams(detector, population.draw(rng, (trials, detector.baseline_events)))
    if isinstance(detector, PinnedTerms):
        pin = detector.pin
        seen = population.draw(rng, (trials, pin.units * pin.scale.block_events))
        return PinnedWindowStreams(detector.terms, np.clip(seen, pin.scale.low, pin.scale.high))
    return SequentialStreams(detector, bounds(detector, population, rng, trials))


def bounds(detector: Settings, population: Population, rng: np.random.Generator, trials: int) -> tuple[Array, Array]:
    """Return each stream's lower bound and mean, of a baseline drawn from the population."""
    shape = (trials, detector.units, detector.scale.block_events)
    return bounds_of(detector, population.draw(rng, shape).mean(axis=2))


def bounds_of(detector: Settings, units: Array) -> tuple[Array, Array]:
    """Return each stream's lower bound and mean, of a row of units for each stream."""
    binary: NDArray[np.bool_] = np.all((units == 0) | (units == 1), axis=1)
    each = zip(units.sum(axis=1), (units**2).sum(axis=1), binary, strict=True)
    sums = [Sums(units.shape[1], total, squares, binary=bool(is_01)) for total, squares, is_01 in each]
    return np.array([baselines.lower_bound(of, detector.pin_error(1)) for of in sums]), units.mean(axis=1)


class SequentialStreams:
    """The SEQUENTIAL detector on many streams: a row for each drop, a column for each stream."""

    def __init__(self, detector: Settings, pinned: tuple[Array, Array]) -> None:
        """Arm them against ``pinned``, their bounds and means; one whose bound is 0 never alarms."""
        self.block_events = detector.scale.block_events
        self._detector = detector
        bound, self._mean = pinned
        self._testable = bound > 0
        self._success = 1 - np.asarray(sequential.DROPS)[:, np.newaxis]
        self._failure = (1 - bound * self._success) / (1 - bound)
        shape = self._failure.shape
        self._evidence, self._log_ratio, self._total = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self._units = np.zeros(shape, dtype=int)
        self._armed = np.ones(shape[1], dtype=int)
        self._seen = np.zeros(shape[1], dtype=int)
        self._alarm = np.full(shape[1], self._alarm_of(1))
        self._weights = np.ones(0)

    def step(self, units: Array) -> NDArray[np.bool_]:
        """Take a unit of each stream, say which alarm, and re-arm those."""
        self._seen += 1
        ratio = units * self._success + (1 - units) * self._failure
        with np.errstate(over="ignore"):  # evidence that the floor keeps from an alarm may grow without end
            self._evidence += self._fresh()
            self._evidence *= ratio
        goes_on = self._log_ratio > 0
        for since_onset in (self._log_ratio, self._units, self._total):
            np.multiply(since_onset, goes_on, out=since_onset)
        self._log_ratio += np.log(ratio)
        self._units += 1
        self._total += units
        alarmed: NDArray[np.bool_] = self._testable & (self._evidence.sum(axis=0) >= self._alarm)
        if alarmed.any():
            alarmed &= self._drop() >= self._detector.max_drop_fraction
            self._rearm(alarmed)
        return alarmed

    def _drop(self) -> Array:
        likeliest = self._log_ratio.argmax(axis=0), np.arange(len(self._mean))
        drop: Array = 1 - self._total[likeliest] / self._units[likeliest] / self._mean
        return drop

    def _rearm(self, which: NDArray[np.bool_]) -> None:
        for state in (self._evidence, self._log_ratio, self._total, self._units):
            state[:, which] = 0
        self._seen[which] = 0
        self._armed[which] += 1
        self._alarm[which] = [self._alarm_of(int(n)) for n in self._armed[which]]

    def _alarm_of(self, arming: int) -> float:
        """Return what the evidence over all drops must add up to, which spares each step their mean."""
        return len(self._evidence) * math.exp(self._detector.log_alarm(arming))

    def _fresh(self) -> Array | float:
        """Return what each stream's next unit may bet afresh."""
        if self._detector.action != KILL_SWITCH:
            return 1.0
        if self._seen.max() > len(self._weights):
            self._weights = np.array([sequential.weight(k) for k in range(1, 2 * int(self._seen.max()))])
        weights: Array = self._weights[self._seen - 1]
        return weights


class WindowStreams:
    """The WINDOW detector on many streams, by sums up to each event that no re-arming has left out."""

    block_events = 1

    def __init__(self, terms: Terms, baseline: Array) -> None:
        """Arm them after ``baseline``, a row of events for each stream."""
        self._terms, self._drop, self._rows = terms, Fraction(terms.max_drop_fraction), np.arange(len(baseline))
        self._sums = np.hstack([np.zeros((len(baseline), 1)), baseline.cumsum(axis=1)])
        self._count = np.full(len(baseline), baseline.shape[1])
        self._armed = self._count.copy()

    def step(self, units: Array) -> NDArray[np.bool_]:
        """Take an event of each stream, say which alarm, and re-arm those: their current window is left out."""
        self._append(units)
        terms, drop, rows, count = self._terms, self._drop, self._rows, self._count
        size, of_baseline, baseline = self._compared()
        current = self._sums[rows, count] - self._sums[rows, count - size]
        # (baseline - current) / baseline >= drop, without a division: of successes these are whole numbers, exact.
        lost = (baseline * size - current * of_baseline) * drop.denominator
        enough = np.minimum(size, of_baseline) >= terms.min_events_to_enforce
        alarmed: NDArray[np.bool_] = enough & (baseline > 0) & (lost >= drop.numerator * baseline * size)
        self._count = np.where(alarmed, count - size, count)
        self._armed = np.where(alarmed, self._count, self._armed)
        return alarmed

    def _compared(self) -> tuple[Array, Array | int, Array]:
        """Return how many events the window and the baseline hold, and the sum of the baseline's."""
        terms, count = self._terms, self._count
        size = np.minimum(terms.window_events, count - self._armed)
        size = np.minimum(size, np.maximum(0, count - terms.baseline_events))
        of_baseline = np.minimum(count - size, terms.baseline_events)
        sums = self._sums[self._rows, count - size] - self._sums[self._rows, count - size - of_baseline]
        return size, of_baseline, sums

    def _append(self, units: Array) -> None:
        if self._count.max() + 1 == self._sums.shape[1]:
            self._sums = np.hstack([self._sums, np.zeros((len(self._rows), 1_000))])
        self._sums[self._rows, self._count + 1] = self._sums[self._rows, self._count] + units
        self._count = self._count + 1


class PinnedWindowStreams(WindowStreams):
    """The same against a baseline that stays: a row of events for each stream, which are no events of the window."""

    def __init__(self, terms: Terms, baseline: Array) -> None:
        """Arm them after ``baseline``."""
        super().__init__(terms, baseline[:, :0])
        self._pinned, self._of_pinned = baseline.sum(axis=1), baseline.shape[1]

    def _compared(self) -> tuple[Array, Array | int, Array]:
        return np.minimum(self._terms.window_events, self._count - self._armed), self._of_pinned, self._pinned


def _units(armed: Streams, population: Population, rng: np.random.Generator, trials: int, drop: float = 0.0) -> Array:
    if armed.block_events == 1:
        return population.draw(rng, (trials,), drop)
    units: Array = population.draw(rng, (trials, armed.block_events), drop).mean(axis=1)
    return units
