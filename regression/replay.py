"""What a tripwire would have done on a history, and what to expect of it from here on. Pure; bounded by its input.

A replay takes its baseline from the first events of the history and watches the rest, as the tripwire would have; after
each trip it is re-armed at once. Where a setting asks for a pinned baseline and the history has pins, each is compared
with while it was in force. The forecast then says what a replay cannot: how often such a setting trips where nothing
has changed, and how long it takes to see drops of several sizes.
"""

from __future__ import annotations

import dataclasses
import itertools
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction

import numpy as np

from regression import baselines, rules, sequential, simulation
from regression.baselines import Pinned, PinnedTerms
from regression.rules import Event, Terms
from regression.sequential import Evidence, Settings
from regression.simulation import Forecast, Population, Rate, Setting, Values


@dataclasses.dataclass(frozen=True, slots=True)
class Trip:
    """A trip: the event that triggered (the n-th of the history, from 1 on), the estimated onset, and the drop."""

    event: int
    onset: int
    drop: float


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What one setting would have done on the history, and is expected to do.

    ``baseline`` is the mean of the events that were its first baseline, of pins of the last one; None where there were
    too few. Of a pinned one ``bound`` is the lower bound of the true mean (0 or less: it cannot be armed), and
    ``correlation`` that of the units of SEQUENTIAL (lag 1).
    """

    setting: Setting
    baseline: float | None
    bound: float | None
    correlation: float | None
    trips: list[Trip]
    forecast: Forecast | None


def replay(
    history: Sequence[Event],
    settings: Sequence[Setting],
    *,
    seed: int,
    trials: int,
    pins: Sequence[Pinned] = (),
    progress: Callable[[float], None] = lambda _done: None,
    **extent: int,
) -> list[Outcome]:
    """Return what each of ``settings`` would have done on ``history``, the oldest event first, and a forecast of it.

    ``pins`` are those that were in force, in their order; without any, the first events are taken for one. With no
    ``trials``, and of what cannot be armed, there is no forecast. ``extent`` says how far it goes, where not as far as
    ``simulation.forecast`` does by itself.
    """
    # Its events are known by their place from here on: the n-th of the history.
    ids = [event.id for event in history]
    pins = [dataclasses.replace(pin, after_id=bisect_right(ids, pin.after_id)) for pin in pins]
    history = [event._replace(id=place) for place, event in enumerate(history, 1)]
    found = []
    for place, setting in enumerate(settings):

        def report(done: float, place: int = place) -> None:
            progress((place + done) / len(settings))

        outcome, population = _replayed(history, setting, pins)
        if population is not None and trials:
            forecast = simulation.forecast(
                outcome.setting, population, seed=seed, trials=trials, progress=report, **extent
            )
            outcome = dataclasses.replace(outcome, forecast=forecast)
        found.append(outcome)
        report(1)
    return found


def on_windows(history: Sequence[Event], terms: Terms) -> Outcome:
    """Return what the WINDOW detector would have done, as the rules decide; a trip's window is left out for good."""
    kept: list[Event] = []
    sums = [Decimal(0)]
    armed, trips = terms.baseline_events, []
    for event in history:
        kept.append(event)
        sums.append(rules.added(sums[-1], event))
        count = len(kept)
        size = rules.current_size(terms, since_armed=max(0, count - armed), count=count)
        if size < terms.min_events_to_enforce:
            continue
        cut = count - size
        start = max(0, cut - terms.baseline_events)
        means = _mean(sums, start, cut), _mean(sums, cut, count)
        found = rules.compare(*means, (cut - start, size), terms, triggered=False)
        if found.trips:
            onset = kept[-rules.since_onset(kept[: start - 1 if start else None : -1], *means)]
            trips.append(Trip(event.id, onset.id, rules.double(found.drop) or 0.0))
            del kept[cut:], sums[cut + 1 :]
            armed = cut
    enough = len(history) >= terms.baseline_events
    baseline = rules.double(rules.mean(history[: terms.baseline_events])) if enough else None
    return Outcome(terms, baseline, None, None, trips, None)


def on_pinned_windows(history: Sequence[Event], terms: Terms, pins: Sequence[Pinned]) -> list[Trip]:
    """Return where WINDOW would have tripped against the pin in force: each pin and each re-arming starts it anew."""
    sums = list(itertools.accumulate(history, rules.added, initial=Decimal(0)))
    trips, against, baseline, armed = list[Trip](), None, Fraction(0), 0
    for event, pin in _watched(history, pins):
        if pin is not against:
            against, baseline, armed = pin, Fraction(Decimal(repr(pin.mean))), event.id - 1
        size = min(terms.window_events, event.id - armed)
        current = _mean(sums, event.id - size, event.id)
        found = rules.compare(baseline, current, (pin.events, size), terms, triggered=False)
        if found.trips:
            newest_first = history[event.id - size : event.id][::-1]
            onset = newest_first[rules.since_onset(newest_first, baseline, current) - 1]
            trips.append(Trip(event.id, onset.id, rules.double(found.drop) or 0.0))
            armed = event.id
    return trips


def in_sequence(history: Sequence[Event], settings: Settings, pins: Sequence[Pinned]) -> list[Trip]:
    """Return where SEQUENTIAL would have tripped against the pin in force: each starts the evidence anew."""
    trips, against, evidence, arming = list[Trip](), None, Evidence(), 1
    for event, pin in _watched(history, pins):
        if pin is not against:
            # An arming in which nothing was tested has spent nothing.
            against, evidence, arming = pin, Evidence(), arming + (evidence.units > 0)
        own = dataclasses.replace(settings, scale=pin.scale)
        detector = own.detector(bound=pin.bound, mean=pin.scale.fraction(pin.mean), arming=arming)
        evidence = evidence.plus(event, pin.scale, detector)
        reading = sequential.read(evidence, detector)
        if reading.alarms:
            trips.append(Trip(event.id, reading.onset_id, reading.drop))
            evidence, arming = Evidence(), arming + 1
    return trips


def _replayed(history: Sequence[Event], setting: Setting, pins: Sequence[Pinned]) -> tuple[Outcome, Population | None]:
    """Return what ``setting`` would have done, and what its forecast draws from; None where it cannot be armed."""
    if isinstance(setting, Terms):
        outcome = on_windows(history, setting)
        first = [float(rules.number(event)) for event in history[: setting.baseline_events]]
        return outcome, None if outcome.baseline is None else _population(first)
    asked = setting.pin if isinstance(setting, PinnedTerms) else setting
    own = baselines.taken(history, asked)
    pins = pins or ([] if own is None else [own])
    if not pins:
        return Outcome(setting, None, None, None, [], None), None
    last = pins[-1]
    asked = dataclasses.replace(asked, baseline_size=last.events, scale=last.scale)
    seen = history[max(0, last.after_id - last.events) : last.after_id] or history[: last.events]
    if isinstance(setting, PinnedTerms):
        setting = dataclasses.replace(setting, pin=asked)
        trips = on_pinned_windows(history, setting.terms, pins)
        outcome = Outcome(setting, last.mean, last.bound, None, trips, None)
        return outcome, _population([float(rules.number(event)) for event in seen]) if last.bound > 0 else None
    outcome = Outcome(asked, last.mean, last.bound, last.correlation, in_sequence(history, asked, pins), None)
    return outcome, _population([last.scale.share(event) for event in seen]) if last.bound > 0 else None


def _watched(history: Sequence[Event], pins: Sequence[Pinned]) -> Iterator[tuple[Event, Pinned]]:
    """Yield the events with the pin that was in force at each; from before the first one, none."""
    coming = deque(pin for pin in pins if pin.bound > 0)
    in_force = None
    for event in history:
        while coming and coming[0].after_id < event.id:
            in_force = coming.popleft()
        if in_force is not None:
            yield event, in_force


def _mean(sums: Sequence[Decimal], start: int, end: int) -> Fraction:
    return (Fraction(sums[end]) - Fraction(sums[start])) / (end - start)


def _population(seen: Sequence[float]) -> Population:
    return Rate(sum(seen) / len(seen)) if set(seen) <= {0.0, 1.0} else Values(np.asarray(seen))
