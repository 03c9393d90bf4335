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
        return self.seen[rng.integers(len(self.seen), size=size)] * (1 - drop)


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
        if alarmed.any():
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
        self._evidence = np.zeros(shape)
        # Since the onset: the log of the ratio, the number of units and their total; and what a unit adds to each.
        self._since, self._more = np.zeros((3, *shape)), np.ones((3, *shape))
        self._armed = np.ones(shape[1], dtype=int)
        self._seen = np.zeros(shape[1], dtype=int)
        self._alarm = np.full(shape[1], self._alarm_of(1))
        self._weights = np.ones(0)

    def step(self, units: Array) -> NDArray[np.bool_]:
        """Take a unit of each stream, say which alarm, and re-arm those."""
        ratio = units * self._success + (1 - units) * self._failure
        with np.errstate(over="ignore"):  # evidence that the floor keeps from an alarm may grow without end
            self._evidence += self._fresh()
            self._evidence *= ratio
        self._since *= (self._since[0] > 0).astype(float)
        np.log(ratio, out=self._more[0])
        self._more[2] = units
        self._since += self._more
        alarmed: NDArray[np.bool_] = self._evidence.sum(axis=0) >= self._alarm
        alarmed &= self._testable
        if alarmed.any():
            alarmed &= self._drop() >= self._detector.max_drop_fraction
            self._rearm(alarmed)
        return alarmed

    def _drop(self) -> Array:
        log_ratio, units, total = self._since
        likeliest = log_ratio.argmax(axis=0), np.arange(len(self._mean))
        drop: Array = 1 - total[likeliest] / units[likeliest] / self._mean
        return drop

    def _rearm(self, which: NDArray[np.bool_]) -> None:
        self._evidence[:, which] = 0
        self._since[:, :, which] = 0
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
        most, known = int(self._seen.max()), len(self._weights)
        if most == known:
            more = [sequential.weight(k) for k in range(known + 1, 2 * known + 1_001)]
            self._weights = np.append(self._weights, more)
        weights: Array = self._weights[self._seen]
        self._seen += 1
        return weights


class WindowStreams:
    """The WINDOW detector on many streams, by sums up to each event that no re-arming has left out.

    They are kept in a ring, a row for each event and a column for each stream, as far back as is compared.
    """

    block_events = 1

    def __init__(self, terms: Terms, baseline: Array) -> None:
        """Arm them after ``baseline``: for each stream a row of as many events as ``terms`` compare with."""
        self._terms, self._drop = terms, Fraction(terms.max_drop_fraction)
        self._width, self._of_baseline = baseline.shape
        self._sums = np.zeros((1 + self._of_baseline + terms.window_events, self._width))
        self._sums[1 : 1 + self._of_baseline] = baseline.cumsum(axis=1).T
        self._sums = self._sums.ravel()
        self._newest = self._of_baseline * self._width + np.arange(self._width)
        self._total = self._sums[self._newest]
        self._armed_for = np.zeros(self._width, dtype=int)

    def step(self, units: Array) -> NDArray[np.bool_]:
        """Take an event of each stream, say which alarm, and re-arm those."""
        self._newest += self._width
        self._newest %= len(self._sums)
        self._total += units
        self._sums[self._newest] = self._total
        self._armed_for += 1
        terms, drop, size = self._terms, self._drop, np.minimum(self._armed_for, self._terms.window_events)
        cut = self._newest - size * self._width
        before = self._sums.take(cut, mode="wrap")
        of_baseline, baseline = self._compared(cut, before)
        # (baseline - current) / baseline >= drop, without a division: of successes these are whole numbers, exact.
        lost = (baseline * size - (self._total - before) * of_baseline) * drop.denominator
        alarmed: NDArray[np.bool_] = lost >= drop.numerator * baseline * size
        alarmed &= np.minimum(size, of_baseline) >= terms.min_events_to_enforce
        alarmed &= baseline > 0
        if alarmed.any():
            self._rearm(alarmed, cut)
        return alarmed

    def _compared(self, cut: Array, before: Array) -> tuple[int, Array]:
        """Return how many events a baseline holds and their sum: ``before`` is the sum of all that precede a window."""
        return self._of_baseline, before - self._sums.take(cut - self._of_baseline * self._width, mode="wrap")

    def _rearm(self, which: NDArray[np.bool_], cut: Array) -> None:
        """Leave the current windows out."""
        self._newest[which] = cut[which] % len(self._sums)
        self._total[which] = self._sums[self._newest[which]]
        self._armed_for[which] = 0


class PinnedWindowStreams(WindowStreams):
    """The same against a baseline that stays: a row of events for each stream, which are no events of the window."""

    def __init__(self, terms: Terms, baseline: Array) -> None:
        """Arm them after ``baseline``."""
        super().__init__(terms, baseline[:, :0])
        self._pinned = baseline.shape[1], baseline.sum(axis=1)

    def _compared(self, cut: Array, before: Array) -> tuple[int, Array]:
        return self._pinned


def _units(armed: Streams, population: Population, rng: np.random.Generator, trials: int, drop: float = 0.0) -> Array:
    if armed.block_events == 1:
        return population.draw(rng, (trials,), drop)
    units: Array = population.draw(rng, (trials, armed.block_events), drop).mean(axis=1)
    return units
