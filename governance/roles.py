"""Who may do what: one table of role and right, for the API and the console alike."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.auth import get_user_model

READ = "read"
ACT = "act"
OPERATE = "operate"
APPROVE = "approve"
AUDIT = "audit"
ADMINISTER = "administer"
BREAK_GLASS = "break_glass"
GATE = "gate"

RIGHTS = {
    READ: "read policies, ledgers, states and events",
    ACT: "reserve, settle, and record KPIs, trials and recommendations",
    OPERATE: "change policies, switches and incidents",
    APPROVE: "approve what loosens a control",
    AUDIT: "read the audit trail",
    ADMINISTER: "issue and revoke tokens, and change the roles of accounts",
    BREAK_GLASS: "apply alone, in an emergency, what a second person would have to approve",
    GATE: "ask the gate for a request that another service has received",
}

ROLES: dict[str, frozenset[str]] = {
    "viewer": frozenset({READ}),
    "engine": frozenset({READ, ACT}),
    "operator": frozenset({READ, OPERATE, AUDIT}),
    "approver": frozenset({READ, APPROVE, AUDIT}),
    "auditor": frozenset({READ, AUDIT}),
    "administrator": frozenset({READ, ADMINISTER, AUDIT}),
    "break_glass": frozenset({READ, BREAK_GLASS, AUDIT}),
    "proxy": frozenset({GATE}),
}


def rights_of(user: Any) -> frozenset[str]:
    """Return the rights of ``user``: those of its groups; a superuser has all; an inactive or unknown one none."""
    if not getattr(user, "is_active", False):
        return frozenset()
    if user.is_superuser:
        return frozenset(RIGHTS)
    held: frozenset[str] | None = getattr(user, "_governance_rights", None)
    return remember(user, user.groups.values_list("name", flat=True)) if held is None else held


def holds(username: str, right: str) -> bool:
    """Say whether ``username`` is an account with ``right``."""
    return right in rights_of(get_user_model()._default_manager.filter(username=username).first())


def remember(user: Any, names: Iterable[str | None]) -> frozenset[str]:
    """Keep the rights of the roles ``names`` with ``user``, whose object lives no longer than a request."""
    rights: frozenset[str] = frozenset().union(*(ROLES.get(name or "", frozenset()) for name in names))
    user._governance_rights = rights
    return rights
