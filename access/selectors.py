"""Reads of accounts and tokens."""

from __future__ import annotations

import datetime as dt

from django.contrib.auth.models import User

from access.models import Token
from governance import roles


def tokens_ending(start: dt.datetime, end: dt.datetime) -> list[Token]:
    """Return the tokens that end from ``start`` up to ``end``, the first to end first; the first hundred."""
    found = Token.objects.filter(expiry__gte=start, expiry__lt=end).select_related("user").order_by("expiry")
    return list(found[:100])


def keys_of(username: str) -> list[str]:
    """Return the names of the tokens of an account, the newest first."""
    return list(Token.objects.filter(user__username=username).values_list("token_key", flat=True))


def roles_by_account() -> dict[str, list[str]]:
    """Return the active accounts by name, each with what it is: a superuser, and its roles."""
    active = User.objects.filter(is_active=True).order_by("username").prefetch_related("groups")
    return {
        user.username: [
            *(["superuser"] if user.is_superuser else []),
            *(group.name for group in user.groups.all() if group.name in roles.ROLES),
        ]
        for user in active
    }


def accounts_by_role() -> dict[str, list[str]]:
    """Return the names of the active accounts of each role, and of the superusers."""
    named: dict[str, list[str]] = {"superuser": [], **{role: [] for role in roles.ROLES}}
    active = User.objects.filter(is_active=True).order_by("username")
    for name in active.filter(is_superuser=True).values_list("username", flat=True):
        named["superuser"].append(name)
    for name, role in active.filter(groups__name__in=roles.ROLES).values_list("username", "groups__name"):
        named[role].append(name)
    return named
