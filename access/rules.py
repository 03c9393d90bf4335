"""The law of access: which tokens and roles need a second person. Pure functions on values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from governance import roles

ISSUE, REVOKE = "access.token.issue", "access.token.revoke"
CREATE_ACCOUNT, SET_ACCOUNT = "access.account.create", "access.account.set"
FIRST_PASSWORD = "access.account.first_password"  # noqa: S105 -- the name of an action

# With a token of who can propose or approve, one person could be both.
_WEIGHTY = frozenset({roles.OPERATE, roles.APPROVE, roles.BREAK_GLASS, roles.ADMINISTER})
WEIGHTY_ROLES = frozenset(name for name, rights in roles.ROLES.items() if rights & _WEIGHTY)


def issue_loosens(standing: Mapping[str, Any], patch: Mapping[str, Any]) -> frozenset[str]:
    """Issuing needs a second person where the account can do more than read and act within the caps."""
    weighty = standing["superuser"] or any(standing[role] for role in WEIGHTY_ROLES)
    return frozenset(patch) if weighty else frozenset()


def account_loosens(standing: Mapping[str, Any], patch: Mapping[str, Any]) -> frozenset[str]:
    """Name what an account is given: a role, or being active; what is taken away tightens."""
    return frozenset(name for name, value in patch.items() if value and not standing[name])


def never_loosens(_standing: Mapping[str, Any], _patch: Mapping[str, Any]) -> frozenset[str]:
    """A revoked token and an account without a role let nobody do more."""
    return frozenset()
