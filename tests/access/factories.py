"""Accounts, tokens and the clients that present them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

import factory
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import Group, User
from django.test import Client
from rest_framework.test import APIClient

from access import services
from access.models import Token
from governance import clock

PASSWORD = "a-long-and-odd-passphrase"


class UserFactory(factory.django.DjangoModelFactory[User]):
    """An account with the roles that ``roles`` names."""

    class Meta:
        model = User
        django_get_or_create = ("username",)
        skip_postgeneration_save = True

    username = factory.Sequence("person{}".format)
    password = factory.django.Password(PASSWORD)

    @factory.post_generation
    def roles(self, _create: bool, named: Sequence[str] | None, **_more: Any) -> None:
        assert isinstance(self, User)
        self.groups.set([Group.objects.get_or_create(name=name)[0] for name in named or ()])


def browser_of(user: User) -> Client:
    """Return the browser of ``user`` as a sign-in leaves it, which test_signins.py does by its form."""
    browser = Client(SERVER_NAME="localhost")
    session = browser.session
    session[SESSION_KEY], session[HASH_SESSION_KEY] = str(user.pk), user.get_session_auth_hash()
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session.save()
    return browser


def secret_of(user: User, *engines: str, lasts: dt.timedelta = dt.timedelta(days=1)) -> str:
    """Issue a token and return the secret."""
    minted = services.mint()
    Token.objects.create(
        user=user, token_key=minted.key, digest=minted.digest, engines=list(engines), expiry=clock.now() + lasts
    )
    return minted.secret


def bearing(secret: str) -> APIClient:
    """Return a client from elsewhere that presents ``secret``."""
    client = APIClient(SERVER_NAME="testserver", REMOTE_ADDR="192.0.2.7")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
    return client


def caller(role: str, *engines: str, name: str = "") -> APIClient:
    """Return a client that presents a token of a new account with ``role``, bound to ``engines``."""
    user = UserFactory.create(username=name or f"{role}-1", roles=[role] if role else [])
    return bearing(secret_of(user, *engines))


def stranger() -> APIClient:
    """Return a client from elsewhere that presents nothing."""
    return APIClient(SERVER_NAME="testserver", REMOTE_ADDR="192.0.2.7")
