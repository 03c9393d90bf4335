"""What a change of a policy does: its controls, its end, what it makes of the evidence, its row in the trail."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance import audit, clock, ending, retiring, rows
from governance.changes import Refused, created_meanwhile
from governance.database import inserted, locking
from governance.errors import Invalid
from heimdall import admission, rules, selectors
from heimdall.models import HeimdallPolicy


def end_overrides() -> list[str]:
    """Let what was loosened for a time go back where its time is over, and name the domains."""
    return ending.end(HeimdallPolicy.objects.order_by("domain"), lambda policy: locked(policy.domain))


def locked(domain: str) -> HeimdallPolicy | None:
    """Return the policy of ``domain``, locked, and gone back where its time is over; None where there is none."""
    policy = rows.one(HeimdallPolicy, locking(selectors.POLICY), [domain])
    if policy is not None and policy.has_ended():
        write(policy, policy.gone_back(), ending.ACTOR, ending.over(policy.until))
    return policy


def standing(domain: str) -> HeimdallPolicy | None:
    """Return the policy of ``domain`` as a decision goes by it, under no lock unless its time is over."""
    policy = selectors.policy(domain)
    return locked(domain) if policy is not None and policy.has_ended() else policy


def locked_or_new(domain: str) -> HeimdallPolicy:
    """Return the policy of ``domain``, locked; where there is none, a new one that is not saved and is off."""
    now = clock.now()
    return locked(domain) or HeimdallPolicy(domain=domain, engine=domain, created_at=now, updated_at=now)


def why_not(policy: HeimdallPolicy, patch: Mapping[str, Any]) -> Refused | None:
    """Return why ``patch`` cannot be: it lets a retired policy's recommendations act. Raises Invalid for no end."""
    if patch.get("until") and not policy.would_fall_back_to(patch):
        raise Invalid({"until": [f"{ending.NOTHING_ENDS}."]})
    if patch.get("prod_use_enabled") and patch.get("retired", policy.retired):
        return Refused("retired", f"{policy.domain} is retired: bring it back first.")
    return None


def write(policy: HeimdallPolicy, patch: Mapping[str, Any], actor: str, reason: str) -> HeimdallPolicy | Refused:
    """Change a locked policy that may be changed so; Refused where another created it at the same moment."""
    before, former_rate = None if policy.pk is None else policy.snapshot(), policy.min_sandbox_success_rate
    policy.take(retiring.asked({**patch}, "prod_use_enabled"))
    policy.changed_by, policy.reason, policy.updated_at = actor, reason, clock.now()
    if before is not None:
        policy.save()
    elif not inserted(policy, domain=policy.domain):
        return created_meanwhile(policy)
    admission.reassessed(policy, former_rate)
    after = policy.snapshot()
    audit.record(action=rules.SET_POLICY, target=policy.domain, actor=actor, reason=reason, before=before, after=after)
    return policy
