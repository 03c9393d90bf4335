"""Taking a baseline from the events that follow a pin, under the policy's lock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from governance import clock
from regression import baselines, words
from regression.baselines import Sums
from regression.models import RegressionBaseline, RegressionPolicy
from regression.rules import Event
from regression.units import Block, grown

Status = RegressionBaseline.Status


def begin(policy: RegressionPolicy, *, actor: str, reason: str) -> RegressionBaseline:
    """Begin to take a baseline, in place of one that is being taken."""
    pins = RegressionBaseline.objects.filter(domain=policy.domain, metric=policy.metric)
    pins.filter(status=Status.TAKING).update(status=Status.REPLACED, note="Replaced before it was complete.")
    number = (pins.order_by("-number").values_list("number", flat=True).first() or 0) + 1
    settings = policy.settings()
    baseline = RegressionBaseline(
        domain=policy.domain, metric=policy.metric, number=number,
        size=settings.units * settings.scale.block_events, block_events=settings.scale.block_events,
        value_low=settings.scale.low, value_high=settings.scale.high, beta=settings.pin_error(number),
        progress=_kept(Sums(), Block()), pinned_by=actor, reason=reason, pinned_at=clock.now(),
    )  # fmt: skip
    baseline.note = words.pinning(baseline)
    baseline.save()
    _set_pinning(policy, True)
    return baseline


def taking(policy: RegressionPolicy) -> RegressionBaseline:
    """Return the baseline that is being taken."""
    return RegressionBaseline.objects.get(domain=policy.domain, metric=policy.metric, status=Status.TAKING)


def take(policy: RegressionPolicy, events: Sequence[Event]) -> bool:
    """Add events, none beyond its size, to the baseline that is being taken.

    Says whether that has made it the tripwire's pinned baseline.
    """
    pins = RegressionBaseline.objects.filter(domain=policy.domain, metric=policy.metric)
    baseline = taking(policy)
    sums, block = Sums(*baseline.progress["sums"]), Block(*baseline.progress["block"])
    for event in events:
        block, unit = grown(block, event, baseline.scale)
        if unit is not None:
            sums = sums.plus(unit.share)
    baseline.events += len(events)
    baseline.progress = {**_kept(sums, block), "last_id": events[-1].id}
    complete = baseline.events == baseline.size
    if complete:
        _set_pinning(policy, False)
        _conclude(baseline, sums)
        if baseline.status == Status.PINNED:
            pins.filter(status=Status.PINNED).update(status=Status.REPLACED)
    else:
        baseline.note = words.pinning(baseline)
    baseline.save()
    return complete and baseline.status == Status.PINNED


def _conclude(baseline: RegressionBaseline, sums: Sums) -> None:
    baseline.completed_at = clock.now()
    baseline.mean = baseline.scale.value(sums.mean)
    baseline.bound = baselines.lower_bound(sums, baseline.beta)
    baseline.correlation = baselines.correlation(sums)
    fit = baseline.bound > 0
    baseline.status = Status.PINNED if fit else Status.UNFIT
    baseline.note = words.pinned(baseline) if fit else words.unfit(baseline)


def _kept(sums: Sums, block: Block) -> dict[str, Any]:
    return {"sums": list(sums), "block": list(block)}


def _set_pinning(policy: RegressionPolicy, pinning: bool) -> None:
    policy.pinning = pinning
    policy.save(update_fields=["pinning"])
