"""People at the console: each role has one, signed in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from tests.access.factories import browser_of

SignedIn = Callable[..., Client]


@pytest.fixture
def signed_in(db: None) -> SignedIn:
    """Return a function that signs a person of some roles in, and returns their browser."""

    def browser(*roles: str, name: str = "jo") -> Client:
        user = User.objects.create_user(name, password="x", is_staff=True)
        user.groups.set(Group.objects.filter(name__in=roles))
        return browser_of(user)

    return browser


@pytest.fixture
def operator(signed_in: SignedIn) -> Client:
    """Return the browser of an operator called jo."""
    return signed_in("operator")


@pytest.fixture
def viewer(signed_in: SignedIn) -> Client:
    """Return the browser of a viewer called vi."""
    return signed_in("viewer", name="vi")
