"""What a tripwire would have done on a history, and what to expect of it from here on. Pure; bounded by its input.

A replay takes its baseline from the first events of the history and watches the rest, as the tripwire would have; after
each trip it is re-armed at once. The forecast then says what a replay cannot: how often such a setting trips where
nothing has changed, and how long it takes to see drops of several sizes.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction

from regression import baselines, rules, sequential, simulation
from regression.baselines import Sums
from regression.rules import Event, Terms
from regression.sequential import Evidence, Settings
from regression.simulation import Forecast, Population, Rate, Values
from regression.units import Block, Scale, grown


@dataclasses.dataclass(frozen=True, slots=True)
class Trip:
    """A trip: the event that triggered (the n-th of the history, from 1 on), the estimated onset, and the drop."""

    event: int
    onset: int
    drop: float


@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What one setting would have done on the history, and is expected to do.

    ``baseline`` is the mean of the events that were its first baseline, None where there were too few; ``bound`` is
    what a SEQUENTIAL one may test against (0 or less: it cannot be armed), and ``correlation`` its units' own (lag 1).
    """

    setting: Settings | Terms
    baseline: float | None
    bound: float | None
    correlation: float | None
    trips: list[Trip]
    forecast: Forecast | None


def replay(
    history: Sequence[Event],
    settings: Sequence[Settings | Terms],
    *,
    seed: int,
    trials: int,
    progress: Callable[[float], None] = lambda _done: None,
    **extent: int,
) -> list[Outcome]:
    """Return what each of ``settings`` would have done on ``history``, the oldest event first, and a forecast of it.

    With no ``trials``, and of what cannot be armed, there is no forecast. ``extent`` says how far it goes, where not as
    far as ``simulation.forecast`` does by itself.
    """
    # Its events are known by their place from here on: the n-th of the history.
    history = [event._replace(id=place) for place, event in enumerate(history, 1)]
    found = []
    for place, setting in enumerate(settings):

        def report(done: float, place: int = place) -> None:
            progress((place + done) / len(settings))

        outcome = on_windows(history, setting) if isinstance(setting, Terms) else in_sequence(history, setting)
        armable = outcome.baseline is not None and (outcome.bound is None or outcome.bound > 0)
        if armable and trials:
            forecast = simulation.forecast(
                setting, _population(history, setting), seed=seed, trials=trials, progress=report, **extent
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


def in_sequence(history: Sequence[Event], settings: Settings) -> Outcome:
    """Return what the SEQUENTIAL detector would have done with its baseline pinned from the first event on."""
    sums = Sums()
    for share in _units(history[: settings.units * settings.scale.block_events], settings.scale):
        sums = sums.plus(share)
    if sums.units < settings.units:
        return Outcome(settings, None, None, None, [], None)
    bound = baselines.lower_bound(sums, settings.pin_error(1))
    found = Outcome(settings, settings.scale.value(sums.mean), bound, baselines.correlation(sums), [], None)
    watched = history[settings.units * settings.scale.block_events :] if bound > 0 else []
    evidence = Evidence()
    for event in watched:
        detector = settings.detector(bound=bound, mean=sums.mean, arming=1 + len(found.trips))
        evidence = evidence.plus(event, settings.scale, detector)
        reading = sequential.read(evidence, detector)
        if reading.alarms:
            found.trips.append(Trip(event.id, reading.onset_id, reading.drop))
            evidence = Evidence()
    return found


def _units(history: Sequence[Event], scale: Scale) -> list[float]:
    block, shares = Block(), []
    for event in history:
        block, unit = grown(block, event, scale)
        if unit is not None:
            shares.append(unit.share)
    return shares


def _mean(sums: Sequence[Decimal], start: int, end: int) -> Fraction:
    return (Fraction(sums[end]) - Fraction(sums[start])) / (end - start)


def _population(history: Sequence[Event], setting: Settings | Terms) -> Population:
    """Return what the forecast draws from: the events that were the setting's first baseline."""
    if isinstance(setting, Terms):
        seen = [float(rules.number(event)) for event in history[: setting.baseline_events]]
    else:
        seen = [setting.scale.share(event) for event in history[: setting.baseline_size]]
    return Rate(sum(seen) / len(seen)) if set(seen) <= {0.0, 1.0} else Values(seen)
