"""What a change of a policy does: its controls, its end, its retirement, its holds, its row in the trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance import audit, clock, ending, holds, retiring
from governance.changes import Refused
from governance.errors import Invalid
from riskguard import ledger, rules, telling
from riskguard.decisions import LedgerLine
from riskguard.models import RiskPolicy
from riskguard.rules import GLOBAL

SOURCE = "riskguard"
SET_POLICY = "risk.policy.set"


def end_overrides() -> list[str]:
    """Let what was loosened for a time go back where its time is over, and name the policies."""
    return ending.end(RiskPolicy.objects.order_by("engine"), lambda policy: locked_policy(policy.engine))


def locked_policy(engine: str) -> RiskPolicy:
    """Return the policy of ``engine``, locked, and gone back where its time is over.

    Where there is none, a new one that is not saved and allows nothing.
    """
    policy = RiskPolicy.objects.locked(engine).get(engine)
    if policy is None:
        return RiskPolicy(engine=engine, created_at=clock.now(), updated_at=clock.now())
    if policy.has_ended():
        return write(policy, policy.gone_back(), ending.ACTOR, ending.over(policy.until))
    return policy


def why_not(policy: RiskPolicy, patch: Mapping[str, Any]) -> Refused | None:
    """Return why ``patch`` cannot be: it enables what is retired, or pinned until a tripwire is re-armed."""
    _check(policy, patch)
    if not patch.get("enabled") or policy.enabled:
        return None
    if patch.get("retired", policy.retired):
        return Refused("retired", f"{policy.engine} is retired: bring it back first.")
    pin = holds.pinning(pin_of(policy.engine))
    if pin is None:
        return None
    return Refused("pinned", f"{policy.engine} stays disabled: {pin.reason} ({pin.key}). Re-arm the tripwire first.")


def pin_of(engine: str) -> str:
    """Return the name by which a hold pins the policy of ``engine``."""
    return f"risk_policy:{engine}"


def _check(policy: RiskPolicy, patch: Mapping[str, Any]) -> None:
    """Raise Invalid for an end of nothing, and for what cannot be retired."""
    if patch.get("retired") and policy.engine == GLOBAL:
        raise Invalid({"retired": ["GLOBAL is the ceiling over all engines and cannot be retired: disable it."]})
    if not patch.get("until"):
        return
    off = not patch.get("enabled", policy.enabled)
    if not off and not policy.would_fall_back_to(patch):
        raise Invalid({"until": [f"{ending.NOTHING_ENDS}, or with a throttle."]})


def write(policy: RiskPolicy, patch: Mapping[str, Any], actor: str, reason: str) -> RiskPolicy:
    """Change a locked policy that may be changed so, with its holds and its row in the trail."""
    created = policy.pk is None
    if created:
        # Of two that create it at once, the second changes what the first has made.
        blank = {"created_at": policy.created_at, "updated_at": policy.updated_at}
        rows = RiskPolicy.objects.select_for_update()
        policy, created = rows.get_or_create(engine=policy.engine, defaults=blank)
    before = None if created else policy.snapshot()
    policy.take(retiring.asked({**patch}, "enabled"))
    policy.changed_by, policy.reason, policy.updated_at = actor, reason, clock.now()
    policy.save()
    _hold(policy, reason)
    after = policy.snapshot()
    audit.record(action=SET_POLICY, target=policy.engine, actor=actor, reason=reason, before=before, after=after)
    if "max_daily_loss" in patch:
        book = ledger.read(clock.database_now(), policy.engine)
        telling.loss_caps([LedgerLine(book.day, policy.engine, book.rows[policy.engine].usage(), policy)])
    return policy


def _hold(policy: RiskPolicy, reason: str) -> None:
    """Write the policy's holds: it is disabled, or what it allows for a time ends."""
    scope = holds.EVERYTHING if policy.engine == GLOBAL else policy.engine
    if policy.enabled:
        holds.lift(scope=scope, source=SOURCE, code=rules.POLICY_DISABLED)
    else:
        holds.place(scope=scope, source=SOURCE, code=rules.POLICY_DISABLED, reason=reason, rank=rules.RANK_DISABLED)
    if policy.fallback:
        holds.place(
            scope=scope, source=SOURCE, code=rules.OVERRIDE_ENDED, reason=ending.over(policy.until),
            rank=rules.RANK_ENDED, starts_at=policy.until,
        )  # fmt: skip
    else:
        holds.lift(scope=scope, source=SOURCE, code=rules.OVERRIDE_ENDED, replaced=True)
