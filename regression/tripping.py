"""What an evaluation does, under the lock of the policy: look, and trip; and what arming starts anew."""

from __future__ import annotations

import logging

from golive import services as golive
from governance import clock, holds, origin
from regression import rules, selectors, words
from regression.models import RegressionGap, RegressionIncident, RegressionPolicy, RegressionState
from regression.rules import Judgement, Windows
from riskguard import services as riskguard

SOURCE = "regression"
ACTOR = "regression-tripwire"
_FIGURES = ("baseline", "current", "drop_fraction", "baseline_count", "current_count")
_log = logging.getLogger(__name__)


def evaluated(policy: RegressionPolicy, actor: str) -> RegressionState:
    """Judge the windows as they stand under the policy's lock, and trip if the law says so."""
    state = state_of(policy)
    seen, found = _look(policy, state)
    if found.trips:
        _log.warning("%s was triggered by what %s recorded or asked.", policy, actor)
        _trip(policy, state, seen, found)
    state.save()
    return state


def arm(policy: RegressionPolicy, state: RegressionState) -> None:
    """Start the windows anew after the newest event there is, under the policy's lock."""
    state.triggered, state.baseline_end_id = False, None
    state.armed_after_id = max(state.armed_after_id, selectors.newest_id(policy.domain, policy.metric))
    _look(policy, state)
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
    return RegressionState.objects.filter(**named).first() or RegressionState(**named)


def _look(policy: RegressionPolicy, state: RegressionState) -> tuple[Windows, Judgement]:
    terms = policy.terms()
    seen = selectors.windows(state, terms)
    found = rules.judge(seen, terms, triggered=state.triggered)
    state.baseline, state.current = rules.double(found.baseline), rules.double(found.current)
    state.drop_fraction = rules.double(found.drop)
    state.baseline_count, state.current_count = found.baseline_count, found.current_count
    state.last_checked_at = clock.now()
    state.note = words.note(found, terms, triggered=state.triggered or found.trips)
    return seen, found


def _trip(policy: RegressionPolicy, state: RegressionState, seen: Windows, found: Judgement) -> None:
    """Latch the tripwire, open an incident, hold the engine and pull the lever: all in the caller's transaction."""
    now = clock.now()
    reason = words.pulled(policy.domain, policy.metric, found.drop)
    state.triggered, state.last_triggered_at, state.baseline_end_id = True, now, seen.baseline[0].id
    figures = {name: getattr(state, name) for name in _FIGURES}
    RegressionIncident.objects.create(
        domain=policy.domain, metric=policy.metric, action=policy.action, opened_at=now,
        max_drop_fraction=policy.max_drop_fraction, first_event_id=seen.current[-1].id,
        last_event_id=seen.current[0].id, **figures,
    )  # fmt: skip
    with origin.of(via="tripwire"):
        holds.place(
            scope=policy.domain, source=SOURCE, code=rules.TRIPWIRE_TRIGGERED, key=str(policy), reason=reason,
            rank=rules.RANK_TRIGGERED, pins=rules.pin(policy.action, policy.domain),
        )  # fmt: skip
        if policy.action == rules.KILL_SWITCH:
            golive.engage_kill_switch(actor=ACTOR, reason=reason)
        else:
            riskguard.throttle(engine=policy.domain, actor=ACTOR, reason=reason)
