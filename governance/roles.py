"""Who may do what: one table of role and right, for the API and the console alike."""

from __future__ import annotations

from typing import Any

READ = "read"
ACT = "act"
OPERATE = "operate"
APPROVE = "approve"
AUDIT = "audit"

RIGHTS = {
    READ: "read policies, ledgers, states and events",
    ACT: "reserve, settle, and record KPIs, trials and recommendations",
    OPERATE: "change policies, switches and incidents",
    APPROVE: "approve what loosens a control",
    AUDIT: "read the audit trail",
}

ROLES: dict[str, frozenset[str]] = {
    "viewer": frozenset({READ}),
    "engine": frozenset({READ, ACT}),
    "operator": frozenset({READ, OPERATE, AUDIT}),
    "approver": frozenset({READ, APPROVE, AUDIT}),
    "auditor": frozenset({READ, AUDIT}),
}


def rights_of(user: Any) -> frozenset[str]:
    """Return the rights of ``user``: those of its groups; a superuser has all; an inactive or unknown one none."""
    if not getattr(user, "is_active", False):
        return frozenset()
    if user.is_superuser:
        return frozenset(RIGHTS)
    held: frozenset[str] | None = getattr(user, "_governance_rights", None)
    if held is None:
        held = frozenset().union(*(ROLES.get(name, frozenset()) for name in user.groups.values_list("name", flat=True)))
        user._governance_rights = held  # one query a request: the user object lives no longer
    return held
