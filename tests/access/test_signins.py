from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from governance.models import AuditEvent
from tests.access.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db
LOGIN = "/admin/login/"


def sign_in(client: Client, name: str = "jo", password: str = PASSWORD, address: str = "192.0.2.7") -> Any:
    return client.post(LOGIN, {"username": name, "password": password}, REMOTE_ADDR=address)


@pytest.fixture
def jo() -> User:
    return UserFactory.create(username="jo", roles=["operator"], is_staff=True)


@pytest.fixture
def third(settings: LazySettings) -> None:
    """Let the third failure lock out instead of the tenth, where how many there must be is not the question."""
    settings.AXES_FAILURE_LIMIT = 3


def trail() -> list[tuple[str, str, str, str]]:
    return list(AuditEvent.objects.order_by("pk").values_list("action", "actor", "outcome", "address"))


def test_signing_in_and_out_is_in_the_trail(jo: User) -> None:
    client = Client()
    assert sign_in(client).status_code == 302
    client.post("/admin/logout/", REMOTE_ADDR="192.0.2.8")
    assert trail() == [
        ("access.sign_in", "jo", "APPLIED", "192.0.2.7"),
        ("access.sign_out", "jo", "APPLIED", "192.0.2.8"),
    ]
    assert {event.via for event in AuditEvent.objects.all()} == {"console"}


def test_ten_failed_sign_ins_lock_out_and_are_in_the_trail(jo: User) -> None:
    client = Client()
    for _ in range(9):
        assert sign_in(client, password="wrong").status_code == 200
    answer = sign_in(client, password="wrong")
    assert (answer.status_code, answer["Retry-After"]) == (429, "900")
    assert b"locked out from your address for 15 minutes" in answer.content
    failed = ("access.sign_in", "jo", "REFUSED", "192.0.2.7")
    assert sorted(trail()) == [("access.locked_out", "jo", "REFUSED", "192.0.2.7"), *[failed] * 10]
    # The right password does not help, and what is tried meanwhile fills neither trail nor time.
    assert sign_in(client).status_code == 429
    assert (len(trail()), client.session.get("_auth_user_id")) == (11, None)


@pytest.mark.sqlite
def test_nine_failed_sign_ins_do_not_lock_out_and_a_good_one_starts_anew(jo: User) -> None:
    for _round in range(2):
        for _ in range(9):
            sign_in(Client(), password="wrong")
        assert sign_in(Client()).status_code == 302


@pytest.mark.usefixtures("third")
def test_a_lockout_ends_after_its_time(jo: User) -> None:
    from axes.models import AccessAttempt
    from django.conf import settings

    for _ in range(3):
        sign_in(Client(), password="wrong")
    assert sign_in(Client()).status_code == 429
    AccessAttempt.objects.update(attempt_time=timezone.now() - settings.AXES_COOLOFF_TIME)
    assert sign_in(Client()).status_code == 302


@pytest.mark.sqlite
@pytest.mark.usefixtures("third")
def test_a_stranger_cannot_lock_an_operator_out_of_the_kill_switch(jo: User) -> None:
    for _ in range(4):
        sign_in(Client(), password="wrong", address="198.51.100.9")
    assert sign_in(Client(), address="198.51.100.9").status_code == 429
    assert sign_in(Client(), address="192.0.2.7").status_code == 302


@pytest.mark.sqlite
@pytest.mark.usefixtures("third")
def test_the_address_is_not_what_the_caller_says_it_is(jo: User) -> None:
    for number in range(3):
        sign_in(Client(HTTP_X_FORWARDED_FOR=f"10.0.0.{number}"), password="wrong")
    assert sign_in(Client()).status_code == 429


@pytest.mark.parametrize("name", ["nobody", "a" * 151, "a\0b", "", "\U0001f600"])
def test_a_name_that_is_nobodys_is_refused_and_never_an_error(name: str) -> None:
    assert sign_in(Client(), name=name).status_code == 200


def test_an_account_that_is_not_active_cannot_sign_in(jo: User) -> None:
    User.objects.update(is_active=False)
    assert sign_in(Client()).status_code == 200
    assert [outcome for _action, _actor, outcome, _address in trail()] == ["REFUSED"]


@pytest.mark.sqlite
@pytest.mark.parametrize("change", [{"password": "other"}, {"is_active": False}])
def test_a_session_ends_with_a_changed_password_and_with_the_account(jo: User, change: dict[str, Any]) -> None:
    client = Client()
    client.force_login(jo)
    assert client.get("/admin/").status_code == 200
    User.objects.update(**change)
    assert client.get("/admin/").status_code == 302


@pytest.mark.sqlite
@pytest.mark.parametrize("password", ["short", "password1234", "123456789012", "jo-the-operator"])
def test_a_weak_password_is_refused(password: str) -> None:
    user = UserFactory.create(username="jo-the-operator", is_staff=True)
    client = Client()
    client.force_login(user)
    answer = client.post(
        "/admin/password_change/", {"old_password": PASSWORD, "new_password1": password, "new_password2": password}
    )
    assert answer.status_code == 200
    user.refresh_from_db()
    assert user.check_password(PASSWORD)
