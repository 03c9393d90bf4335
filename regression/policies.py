"""What a change of a tripwire's policy does: its controls, its end, its arming, its row in the trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance import audit, clock, ending, retiring, rows
from governance.changes import Refused, created_meanwhile
from governance.database import inserted, locking
from governance.errors import Invalid
from regression import limits, rules, selectors, tripping, words
from regression.models import RegressionPolicy

# Every event begins with it: to make it of a queryset takes five times as long as to run it.
_ONE = "SELECT * FROM regression_policy WHERE domain = %s AND metric = %s"


def end_overrides() -> list[str]:
    """Let what was weakened or switched off for a time go back where its time is over, and name the tripwires."""
    rows = RegressionPolicy.objects.order_by("domain", "metric")
    return ending.end(rows, lambda policy: locked(policy.domain, policy.metric))


def locked(domain: str, metric: str) -> RegressionPolicy | None:
    """Return the policy of a tripwire, locked, and gone back where its time is over; None where there is none.

    The lock is the mutex of its events and its state.
    """
    policy = rows.one(RegressionPolicy, locking(_ONE), [domain, metric])
    return None if policy is None else gone_back(policy)


def gone_back(policy: RegressionPolicy) -> RegressionPolicy:
    """Return a locked policy, gone back where its time is over: before the event that meets it is there."""
    if policy.has_ended():
        write(policy, policy.gone_back(), ending.ACTOR, ending.over(policy.until))
    return policy


def locked_or_new(domain: str, metric: str) -> RegressionPolicy:
    """Return a policy, locked; where there is none, a new one with the defaults that is not saved and is disabled."""
    now = clock.now()
    return locked(domain, metric) or RegressionPolicy(domain=domain, metric=metric, created_at=now, updated_at=now)


def why_not(policy: RegressionPolicy, patch: Mapping[str, Any]) -> Refused | None:
    """Return why ``patch`` cannot be: it lets a retired tripwire watch."""
    if patch.get("enabled") and patch.get("retired", policy.retired):
        return Refused("retired", f"{policy} is retired: bring it back first.")
    return None


def check(policy: RegressionPolicy, patch: Mapping[str, Any]) -> None:
    """Raise Invalid where ``patch`` would make a policy that could never trigger, and for an end of nothing."""
    controls = {**{name: getattr(policy, name) for name in rules.CONTROLS}, **patch}
    back = policy.would_fall_back_to(patch)
    errors = rules.never_triggers(controls, patch) | limits.unfit(controls, patch)
    watches = controls["enabled"] or back.get("enabled")
    if watches and controls["baseline_kind"] == rules.PINNED and selectors.pinned(policy) is None:
        field = next((name for name in ("enabled", "baseline_kind", "detector") if name in patch), "baseline_kind")
        errors.setdefault(field, []).append(words.NO_BASELINE)
    if patch.get("until") and not back:
        errors["until"] = [f"{ending.NOTHING_ENDS}."]
    if errors:
        raise Invalid(errors)


def write(policy: RegressionPolicy, patch: Mapping[str, Any], actor: str, reason: str) -> RegressionPolicy | Refused:
    """Change a locked policy that may be changed so, and arm it; Refused where another created it at that moment."""
    before = None if policy.pk is None else policy.snapshot()
    stood = _test_of(policy)
    policy.take(retiring.asked({**patch}, "enabled"))
    policy.changed_by, policy.reason, policy.updated_at = actor, reason, clock.now()
    if before is not None:
        policy.save()
    elif not inserted(policy, domain=policy.domain, metric=policy.metric):
        return created_meanwhile(policy)
    if policy.enabled and _test_of(policy) != stood:
        state = tripping.state_of(policy)
        if not state.triggered:
            tripping.arm(policy, state)
    after = policy.snapshot()
    audit.record(action=rules.SET_POLICY, target=str(policy), actor=actor, reason=reason, before=before, after=after)
    return policy


def _test_of(policy: RegressionPolicy) -> tuple[str, ...]:
    """Return what its evidence is evidence of: another test starts anew. A disabled one tests nothing."""
    if not policy.enabled:
        return ()
    sequential = policy.detector == rules.SEQUENTIAL
    return policy.detector, policy.baseline_kind, policy.action if sequential else ""
