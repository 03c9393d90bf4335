"""The changes of tokens and accounts that can be submitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from access import rules, services
from access.serializers import AccountSchema, NothingSchema, TokenSchema
from governance import roles
from governance.register import Action

MAX_NAME = 150


def _username(target: str) -> str:
    name = target.strip()
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise ValueError(f"Must be the name of an account, of 1 to {MAX_NAME} characters.")
    return name


def _key(target: str) -> str:
    """Return a token's name, of the token itself too: the rest of it must not reach the trail."""
    return target.strip().lower()[: services.KEY_LENGTH]


class _Nobody:
    """What stands before an account is created."""

    def snapshot(self) -> dict[str, Any]:
        """Return nothing."""
        return {}


def _nobody(_target: str) -> _Nobody:
    return _Nobody()


def _issue(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.issue(username=target, **patch, actor=actor, reason=reason)


def _revoke(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.revoke(key=target, actor=actor, reason=reason)


def _create_account(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.create_account(username=target, actor=actor, reason=reason)


def _set_account(*, target: str, patch: Mapping[str, Any], actor: str, reason: str) -> Any:
    return services.set_account(username=target, patch=patch, actor=actor, reason=reason)


ACTIONS = (
    Action(
        name=rules.ISSUE, label="Issue a token", schema=TokenSchema, target=_username, lock=services.locked_account,
        loosens=rules.issue_loosens, apply=_issue, noun="account", right=roles.ADMINISTER,
    ),
    Action(
        name=rules.REVOKE, label="Revoke a token", schema=NothingSchema, target=_key, lock=services.locked_token,
        loosens=rules.never_loosens, apply=_revoke, noun="token", right=roles.ADMINISTER,
    ),
    Action(
        name=rules.CREATE_ACCOUNT, label="Create an account", schema=NothingSchema, target=_username, lock=_nobody,
        loosens=rules.never_loosens, apply=_create_account, noun="new account", right=roles.ADMINISTER,
    ),
    Action(
        name=rules.SET_ACCOUNT, label="Change an account's roles", schema=AccountSchema, target=_username,
        lock=services.locked_account, loosens=rules.account_loosens, apply=_set_account, divisible=True, noun="account",
        right=roles.ADMINISTER,
    ),
)  # fmt: skip
