"""What an event and an evaluation do, under the lock of the policy: look, and trip; and what arming starts anew."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from django.db import transaction

from golive import services as golive
from governance import clock, facts, holds, metrics, origin, rows
from governance.facts import Tripped
from regression import pinning, rules, selectors, sights, standing, telling, words
from regression.models import RegressionBaseline, RegressionGap, RegressionIncident, RegressionPolicy, RegressionState
from regression.rules import Event
from regression.sights import Sight
from riskguard import services as riskguard

SOURCE = "regression"
ACTOR = "regression-tripwire"
VIA = "tripwire"
# In plain SQL, since every event asks it: to make it of a queryset takes five times as long as to run it.
_STATE = "SELECT * FROM regression_state WHERE domain = %(domain)s AND metric = %(metric)s"
_log = logging.getLogger(__name__)


def told(trip: Tripped) -> None:
    """Tell the other levers of a trip, once the levers that it pulls are pulled: whoever hears takes its locks last."""
    with origin.of(via=VIA):
        facts.tell(trip)


def recorded(
    policy: RegressionPolicy, events: Sequence[Event], actor: str, tell: Callable[[Tripped], None] = told
) -> RegressionState | None:
    """Take in events that have just been recorded: weigh them, judge, and add them to a baseline that is being taken.

    Only the last of several may trip the tripwire or complete the baseline (batches.py sees to it). Returns how the
    tripwire stands, None where it is not enabled. ``tell`` takes a trip, where more trips may follow in the
    transaction.
    """
    if not policy.enabled and not policy.pinning:
        return None
    state = state_of(policy)
    trips = False
    if policy.enabled:
        pinned = selectors.tested_against(policy)
        _weigh(policy, state, pinned, events)
        trips = _judge(policy, state, pinned, actor, tell)
    # The event of a trip, and what follows up to the re-arming, are not clean.
    clean = events[:-1] if trips else [] if state.triggered else events
    if policy.pinning and clean and pinning.take(policy, clean) and _tests_pinned(policy):
        arm(policy, state)
    return state if policy.enabled else None


def evaluated(policy: RegressionPolicy, actor: str) -> RegressionState:
    """Judge a tripwire as it stands under the policy's lock, and trip if the law says so."""
    state = state_of(policy)
    _judge(policy, state, selectors.tested_against(policy), actor, told)
    return state


def arm(policy: RegressionPolicy, state: RegressionState) -> None:
    """Start windows and evidence anew after the newest event there is, under the policy's lock."""
    state.triggered, state.baseline_end_id = False, None
    state.armed_after_id = max(state.armed_after_id, selectors.newest_id(policy.domain, policy.metric))
    pinned = selectors.tested_against(policy)
    if pinned is not None and policy.detector == rules.SEQUENTIAL:
        state.evidence = standing.anew(pinned.number, state.evidence, state.armed_after_id).stored()
    _show(policy, state, sights.look(policy, state, pinned))
    state.save()


def leave_out(state: RegressionState, baseline_end_id: int) -> None:
    """Leave everything since the trip's baseline out of every window, in one gap with what was left out there before.

    A gap after the baseline's end lies within the new one, so each stretch between two gaps goes on holding an event.
    """
    last = selectors.newest_id(state.domain, state.metric)
    gaps = RegressionGap.objects.filter(domain=state.domain, metric=state.metric)
    gaps.filter(until_id__gt=baseline_end_id).delete()
    if last > baseline_end_id:
        gaps.create(domain=state.domain, metric=state.metric, after_id=baseline_end_id, until_id=last)


def state_of(policy: RegressionPolicy) -> RegressionState:
    """Return the tripwire's state, a new one that is not saved where there is none yet."""
    named = {"domain": policy.domain, "metric": policy.metric}
    return rows.one(RegressionState, _STATE, named) or RegressionState(**named)


def _tests_pinned(policy: RegressionPolicy) -> bool:
    return policy.enabled and policy.baseline_kind == rules.PINNED


def _weigh(
    policy: RegressionPolicy, state: RegressionState, pinned: RegressionBaseline | None, events: Iterable[Event]
) -> None:
    """Add events to the evidence of a SEQUENTIAL tripwire that is armed."""
    if policy.detector != rules.SEQUENTIAL or state.triggered or state.evidence is None:
        return
    if pinned is not None:
        kept = standing.restored(state.evidence)
        against = sights.detector(policy, pinned, kept.arming)
        for event in events:
            kept = kept.plus(event, pinned.scale, against)
        state.evidence = kept.stored()


def _judge(
    policy: RegressionPolicy,
    state: RegressionState,
    pinned: RegressionBaseline | None,
    actor: str,
    tell: Callable[[Tripped], None],
) -> bool:
    """Look, show and save what is seen, and trip if the law says so; say whether it did."""
    seen = sights.look(policy, state, pinned)
    _show(policy, state, seen)
    if seen.trips:
        _log.warning("%s was triggered by what %s recorded or asked.", policy, actor)
        _trip(policy, state, seen, tell)
    state.save()
    return seen.trips


def _show(policy: RegressionPolicy, state: RegressionState, seen: Sight) -> None:
    for name, figure in seen.figures().items():
        setattr(state, name, figure)
    state.last_checked_at = clock.now()
    state.note = seen.note(state.triggered or (seen.trips and policy.mode == rules.ENFORCE))


def _trip(policy: RegressionPolicy, state: RegressionState, seen: Sight, tell: Callable[[Tripped], None]) -> None:
    """Open an incident, latch the tripwire, hold the engine, pull the lever and tell: all in the caller's transaction.

    In SHADOW nothing is latched, held or pulled: it is re-armed at once, as if a person had done so.
    """
    now, story = clock.now(), seen.story()
    incident = RegressionIncident.objects.create(
        domain=policy.domain, metric=policy.metric, action=policy.action, mode=policy.mode, detector=policy.detector,
        opened_at=now, max_drop_fraction=policy.max_drop_fraction, first_event_id=story.first_event_id,
        last_event_id=story.last_event_id, onset_event_id=story.onset_event_id,
        onset_at=selectors.event_at(story.onset_event_id), events_to_detect=story.events_to_detect, path=story.path,
        **seen.figures(),
    )  # fmt: skip
    telling.tripped(incident, policy)
    if policy.mode == rules.SHADOW:
        leave_out(state, story.baseline_end_id)
        arm(policy, state)
        return
    state.triggered, state.last_triggered_at, state.baseline_end_id = True, now, story.baseline_end_id
    count = partial(metrics.decided, lever=SOURCE, engine=policy.domain, reason=rules.TRIPWIRE_TRIGGERED)
    transaction.on_commit(count)
    reason = words.pulled(policy.domain, policy.metric, seen.drop_fraction)
    with origin.of(via=VIA):
        holds.place(
            scope=policy.domain, source=SOURCE, code=rules.TRIPWIRE_TRIGGERED, key=str(policy), reason=reason,
            rank=rules.RANK_TRIGGERED, pins=rules.pin(policy.action, policy.domain),
        )  # fmt: skip
        if policy.action == rules.KILL_SWITCH:
            golive.engage_kill_switch(actor=ACTOR, reason=reason)
        else:
            riskguard.throttle(engine=policy.domain, actor=ACTOR, reason=reason)
    tell(Tripped(engine=policy.domain, actor=ACTOR, reason=reason))
