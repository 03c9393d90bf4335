"""Recording many events in one transaction, with the states and the trips that one after the other would have."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import transaction

from governance import clock
from regression import rules, tripping, turning
from regression.models import KpiEvent, RegressionPolicy, RegressionState
from regression.recording import Observation

MAX_OBSERVATIONS = 10_000
_AT_ONCE = 1_000
Pair = tuple[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """The recorded events' ids, each in its place, and how each tripwire that watches stands after its last event."""

    ids: list[int]
    states: list[RegressionState]


@transaction.atomic(durable=True)
def record(seen: Sequence[Observation], actor: str) -> Batch:
    """Record ``seen`` in order, tripwire by tripwire, and evaluate each as if its events came one by one.

    Tripwires that pull the kill switch come first, then by name: trips take their locks in the one written order.
    """
    places: dict[Pair, list[int]] = defaultdict(list)
    for place, one in enumerate(seen):
        places[one.domain, one.metric].append(place)
    watching = [policy for policy in _locked(places) if policy.enabled or policy.pinning]
    ids: dict[int, int] = {}
    states = []
    for policy in sorted(watching, key=lambda policy: policy.action != rules.KILL_SWITCH):
        own = places.pop((policy.domain, policy.metric))
        ahead = [seen[place].event(number) for number, place in enumerate(own, 1)]
        state, start = tripping.state_of(policy), 0
        while start < len(own):
            end = start + turning.stretch(policy, state, ahead[start:])
            ids |= _inserted(seen, own[start:end], actor)
            tripping.recorded(policy, [seen[place].event(ids[place]) for place in own[start:end]], actor)
            state, start = tripping.state_of(policy), end
        if policy.enabled:
            states.append(state)
    ids |= _inserted(seen, sorted(place for unwatched in places.values() for place in unwatched), actor)
    return Batch([ids[place] for place in range(len(seen))], states)


def _locked(pairs: Iterable[Pair]) -> list[RegressionPolicy]:
    """Return the policies of ``pairs``, locked in the order of their names."""
    domains, metrics = ({pair[part] for pair in pairs} for part in (0, 1))
    rows = RegressionPolicy.objects.select_for_update().filter(domain__in=domains, metric__in=metrics)
    return [policy for policy in rows.order_by("domain", "metric") if (policy.domain, policy.metric) in pairs]


def _inserted(seen: Sequence[Observation], places: Sequence[int], actor: str) -> dict[int, int]:
    """Insert the events at ``places`` and return the id of each."""
    now = clock.now()
    rows = [seen[place].stored(at=now, actor=actor) for place in places]
    KpiEvent.objects.bulk_create(rows, batch_size=_AT_ONCE)
    return {place: row.pk for place, row in zip(places, rows, strict=True)}
