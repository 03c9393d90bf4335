"""How many events a tripwire can take in at once: up to the first that may change how it stands. Reads; writes nothing.

The law is not decided here. Whoever records so many judges after the last, as after a single event; this only must not
pass over an event after which that would have come to something.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from regression import pinning, rules, selectors, sequential, sights, standing
from regression.models import RegressionPolicy, RegressionState
from regression.rules import Event


def stretch(policy: RegressionPolicy, state: RegressionState, events: Sequence[Event]) -> int:
    """Return how many of ``events``, which come next, can be recorded before the tripwire is judged; at least one."""
    if state.triggered:
        return len(events)
    most = len(events)
    if policy.pinning:
        baseline = pinning.taking(policy)
        most = min(most, baseline.size - baseline.events)
    if not policy.enabled:
        return most
    first = _first_alarm if policy.detector == rules.SEQUENTIAL else _first_drop
    return first(policy, state, events[:most])


def _first_drop(policy: RegressionPolicy, state: RegressionState, events: Sequence[Event]) -> int:
    """Return the number of events up to the first after which WINDOW trips; all of them where none does."""
    terms = policy.terms()
    pinned = selectors.tested_against(policy)
    if pinned is None:
        before = selectors.effective(state.domain, state.metric, limit=terms.window_events + terms.baseline_events)
    else:
        before = list(selectors.current_alone(state, terms).current)
    armed = sum(event.id > state.armed_after_id for event in before)
    sums = [
        Fraction(total) for total in itertools.accumulate([*before[::-1], *events], rules.added, initial=Decimal(0))
    ]
    for number, last in enumerate(range(len(before) + 1, len(sums)), 1):
        if pinned is None:
            count = min(last, terms.window_events + terms.baseline_events)
            since_armed = min(terms.window_events, armed + number)
            size = rules.current_size(terms, since_armed=since_armed, count=count)
            held = min(terms.baseline_events, count - size)
            baseline = (sums[last - size] - sums[last - size - held]) / held if held else None
        else:
            size, held = min(terms.window_events, last), pinned.events
            baseline = Fraction(Decimal(repr(pinned.mean)))
        current = (sums[last] - sums[last - size]) / size if size else None
        if rules.compare(baseline, current, (held, size), terms, False).trips:
            return number
    return len(events)


def _first_alarm(policy: RegressionPolicy, state: RegressionState, events: Sequence[Event]) -> int:
    """Return the number of events up to the first after which SEQUENTIAL alarms; all of them where none does."""
    baseline = selectors.pinned(policy)
    if baseline is None or state.evidence is None:
        return len(events)
    kept = standing.restored(state.evidence)
    evidence, against = kept.evidence, sights.detector(policy, baseline, kept.arming)
    for number, event in enumerate(events, 1):
        evidence = evidence.plus(event, baseline.scale, against)
        if sequential.read(evidence, against).alarms:
            return number
    return len(events)
