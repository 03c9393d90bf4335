"""The only writes of accounts and tokens. Each locks the user first."""

from __future__ import annotations

import dataclasses
import datetime as dt
import secrets
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import Group, User
from django.core.exceptions import ValidationError
from django.db import transaction
from knox.models import get_digest_token

from access import rules
from access.models import Token
from governance import audit, grants, roles
from governance.changes import Refused
from governance.errors import NotFound

KEY_LENGTH = 15


@dataclasses.dataclass(frozen=True, slots=True)
class Minted:
    """A new secret, and what of it is stored: its name and its digest."""

    secret: str
    key: str
    digest: str


class Account:
    """A user as the door sees one: its controls are attributes."""

    def __init__(self, user: User, held: Collection[str]) -> None:
        self.user = user
        self._controls = {
            "active": user.is_active,
            "superuser": user.is_superuser,
            **{name: name in held for name in roles.ROLES},
        }
        vars(self).update(self._controls)

    def snapshot(self) -> dict[str, Any]:
        """Return whether it is active, a superuser, and which roles it has."""
        return dict(self._controls)


def mint() -> Minted:
    """Return a new random secret of 256 bits. Nothing is stored, and it opens nothing until it is issued."""
    digest, secret = get_digest_token()
    return Minted(secret, secret[:KEY_LENGTH], digest)


def locked_account(username: str) -> Account:
    """Return the account, locked; NotFound where there is none."""
    user = User.objects.select_for_update().filter(username=username).first()
    if user is None:
        raise NotFound(f"There is no account {username!r}: create it first (manage.py create_account).")
    return Account(user, set(user.groups.values_list("name", flat=True)))


def locked_token(key: str) -> Token:
    """Return the token called ``key``, locked; NotFound where there is none."""
    tokens = Token.objects.select_related("user").select_for_update(of=("self",))
    found: Token | None = tokens.filter(token_key=key).first()
    if found is None:
        raise NotFound(f"There is no token {key!r}: it was revoked, or never issued.")
    return found


@transaction.atomic
def issue(
    *,
    username: str,
    key: str,
    digest: str,
    engines: Sequence[str],
    expires_at: dt.datetime,
    actor: str,
    reason: str = "",
) -> Token:
    """Let a minted secret speak for ``username`` until ``expires_at``, and act for ``engines``."""
    account = locked_account(username)
    grants.demand(rules.issue_loosens(account.snapshot(), {"key": key}))
    token: Token = Token.objects.create(
        user=account.user, token_key=key, digest=digest, engines=sorted(set(engines)), expiry=expires_at
    )
    audit.record(action=rules.ISSUE, target=username, actor=actor, reason=reason, after=_told(token))
    return token


@transaction.atomic
def revoke(*, key: str, actor: str, reason: str = "") -> Token:
    """End a token: whoever presents it is a stranger from the commit on. Never refused."""
    token = locked_token(key)
    audit.record(action=rules.REVOKE, target=key, actor=actor, reason=reason, before=_told(token))
    Token.objects.filter(pk=token.pk).delete()
    return token


@transaction.atomic
def create_account(*, username: str, actor: str, reason: str = "") -> Account | Refused:
    """Create an account without a role and without a password: it can do nothing yet."""
    user = User(username=username)
    user.set_unusable_password()
    try:
        user.full_clean(exclude=["password"])
    except ValidationError as wrong:
        return Refused("not_created", " ".join(wrong.messages))
    user.save()
    account = Account(user, ())
    audit.record(action=rules.CREATE_ACCOUNT, target=username, actor=actor, reason=reason, after=account.snapshot())
    return account


@transaction.atomic
def set_first_password(*, username: str, actor: str) -> str | Refused:
    """Give an account that has none a random password, and return it; it is stored as a hash alone.

    Refused where it has one: who could set another's password could sign in as a second person.
    """
    user = locked_account(username).user
    if user.has_usable_password():
        return Refused("has_password", f"{username} has a password, and changes it in the console.")
    password = secrets.token_urlsafe(15)
    user.set_password(password)
    user.save(update_fields=["password"])
    audit.record(action=rules.FIRST_PASSWORD, target=username, actor=actor)
    return password


@transaction.atomic
def set_account(*, username: str, patch: Mapping[str, bool], actor: str, reason: str = "") -> Account:
    """Give and take the roles that ``patch`` names, and being active or a superuser."""
    account = locked_account(username)
    before, after = account.snapshot(), {**account.snapshot(), **patch}
    grants.demand(rules.account_loosens(before, patch))
    user = account.user
    kept = user.groups.exclude(name__in=roles.ROLES)
    user.groups.set([*kept, *Group.objects.filter(name__in=[name for name in roles.ROLES if after[name]])])
    user.is_active, user.is_superuser = after["active"], after["superuser"]
    # Whoever reads may look at the console; an engine's account is no person's.
    user.is_staff = user.is_superuser or any(after[name] for name in roles.ROLES if name != "engine")
    user.save(update_fields=["is_active", "is_superuser", "is_staff"])
    audit.record(action=rules.SET_ACCOUNT, target=username, actor=actor, reason=reason, before=before, after=after)
    return locked_account(username)


def _told(token: Token) -> dict[str, Any]:
    return {"token": token.token_key, **token.snapshot()}
