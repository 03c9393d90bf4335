"""Recording many events in one transaction, with the states and the trips that one after the other would have.

Under a key they are recorded once, however often the caller sends them.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction

from governance import clock
from governance.errors import Conflict
from governance.facts import Tripped
from regression import policies, rules, tripping, turning
from regression.models import KpiBatch, KpiEvent, RegressionPolicy, RegressionState
from regression.recording import Observation

MAX_OBSERVATIONS = 10_000
_AT_ONCE = 1_000
Pair = tuple[str, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """The recorded events' ids, each in its place, and how each tripwire that watches stands after its last event."""

    ids: list[int]
    states: list[RegressionState]


def once(seen: Sequence[Observation], actor: str, key: str) -> Batch:
    """Record ``seen`` under ``key``, or answer as it was recorded before; Conflict where that was something else."""
    digest = hashlib.sha256(json.dumps([dataclasses.astuple(one) for one in seen]).encode()).hexdigest()
    try:
        return _repeated(seen, actor, key, digest) or _first(seen, actor, key, digest)
    except IntegrityError:
        # Another call with the key was first, and this one's events are undone.
        earlier = _repeated(seen, actor, key, digest)
        if earlier is None:
            raise
        return earlier


def _repeated(seen: Sequence[Observation], actor: str, key: str, digest: str) -> Batch | None:
    earlier = KpiBatch.objects.filter(actor=actor, idempotency_key=key).first()
    if earlier is None:
        return None
    if earlier.body_digest != digest:
        raise Conflict("idempotency_key_reused", "This idempotency key was used for other events.")
    pairs = {(one.domain, one.metric) for one in seen}
    watching = [policy for policy in RegressionPolicy.objects.filter(enabled=True) if _pair(policy) in pairs]
    return Batch(earlier.event_ids, [tripping.state_of(policy) for policy in watching])


@transaction.atomic(durable=True)
def _first(seen: Sequence[Observation], actor: str, key: str, digest: str) -> Batch:
    batch = _record(seen, actor)
    KpiBatch.objects.create(at=clock.now(), actor=actor, idempotency_key=key, body_digest=digest, event_ids=batch.ids)
    return batch


@transaction.atomic(durable=True)
def record(seen: Sequence[Observation], actor: str) -> Batch:
    """Record ``seen`` in order, tripwire by tripwire, and evaluate each as if its events came one by one.

    Tripwires that pull the kill switch come first, then by name, and trips are told last: they take their locks in the
    one written order.
    """
    return _record(seen, actor)


def _record(seen: Sequence[Observation], actor: str) -> Batch:
    places: dict[Pair, list[int]] = defaultdict(list)
    for place, one in enumerate(seen):
        places[one.domain, one.metric].append(place)
    watching = [policy for policy in _locked(places) if policy.enabled or policy.pinning]
    ids: dict[int, int] = {}
    states, trips = [], list[Tripped]()
    for policy in sorted(watching, key=lambda policy: policy.action != rules.KILL_SWITCH):
        own = places.pop(_pair(policy))
        ahead = [seen[place].event(number) for number, place in enumerate(own, 1)]
        state, start = tripping.state_of(policy), 0
        while start < len(own):
            end = start + turning.stretch(policy, state, ahead[start:])
            ids |= _inserted(seen, own[start:end], actor)
            events = [seen[place].event(ids[place]) for place in own[start:end]]
            state, start = tripping.recorded(policy, events, actor, trips.append) or state, end
        if policy.enabled:
            states.append(state)
    ids |= _inserted(seen, sorted(place for unwatched in places.values() for place in unwatched), actor)
    for trip in sorted(trips, key=lambda trip: trip.engine):
        tripping.told(trip)
    return Batch([ids[place] for place in range(len(seen))], states)


def _locked(pairs: Iterable[Pair]) -> list[RegressionPolicy]:
    """Return the policies of ``pairs``, locked in the order of their names, and gone back where their time is over."""
    domains, metrics = ({pair[part] for pair in pairs} for part in (0, 1))
    rows = RegressionPolicy.objects.select_for_update().filter(domain__in=domains, metric__in=metrics)
    return [policies.gone_back(row) for row in rows.order_by("domain", "metric") if _pair(row) in pairs]


def _pair(policy: RegressionPolicy) -> Pair:
    return policy.domain, policy.metric


def _inserted(seen: Sequence[Observation], places: Sequence[int], actor: str) -> dict[int, int]:
    """Insert the events at ``places`` and return the id of each."""
    now = clock.now()
    rows = [seen[place].stored(at=now, actor=actor) for place in places]
    KpiEvent.objects.bulk_create(rows, batch_size=_AT_ONCE)
    return {place: row.pk for place, row in zip(places, rows, strict=True)}
