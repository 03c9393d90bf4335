"""Operator screens of accounts and tokens: shown, and changed through the door. Roles are no table to edit here."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest

from access import rules
from access.models import Token
from governance import roles
from governance.console.offers import Offer
from governance.console.screens import Screen

admin.site.unregister((User, Group))


@admin.register(User)
class AccountScreen(Screen):
    """Accounts and their roles."""

    empty = "Create one with manage.py create_account."
    right = roles.ADMINISTER
    list_offers = (Offer(action=rules.CREATE_ACCOUNT),)
    offers = (Offer(action=rules.SET_ACCOUNT, tone="primary"), Offer(action=rules.ISSUE))
    fields = ("username", "named_roles", "is_active", "is_superuser", "last_login", "date_joined")
    list_display = ("username", "named_roles", "is_active", "is_superuser", "last_login")
    list_filter = ("groups", "is_active", "is_superuser")
    search_fields = ("username",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Return the accounts with their roles."""
        found: QuerySet[User] = super().get_queryset(request).prefetch_related("groups")
        return found

    @admin.display(description="roles")
    def named_roles(self, user: Any) -> str:
        """Return the roles in one line."""
        return ", ".join(sorted(group.name for group in user.groups.all())) or "-"


@admin.register(Token)
class TokenScreen(Screen):
    """Tokens, by their names; a token itself is shown once, when it is issued."""

    empty = "Issue one, or with manage.py issue_token: engines call the API with it."
    right = roles.ADMINISTER
    list_offers = (Offer(action=rules.ISSUE, tone="primary"),)
    offers = (Offer(action=rules.REVOKE, tone="danger"),)
    fields = ("token_key", "user", "engines", "created", "expiry")
    list_display = ("token_key", "user", "engines", "created", "expiry")
    list_filter = ("user",)
    list_select_related = ("user",)
    search_fields = ("token_key", "user__username")
