from __future__ import annotations

import io
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command

from access import rules, services
from governance import changes, roles
from governance.errors import NotFound
from governance.models import AuditEvent
from tests.access.factories import UserFactory

pytestmark = pytest.mark.django_db
NOTHING = {"superuser": False, **dict.fromkeys(roles.ROLES, False)}


def told(*command: str) -> str:
    printed = io.StringIO()
    call_command(*command, "--actor", "root", stdout=printed)
    return printed.getvalue()


def set_account(name: str, **patch: Any) -> changes.Outcome:
    return changes.submit(action=rules.SET_ACCOUNT, target=name, patch=patch, actor="root", reason="r")


def test_roles_are_given_and_taken_and_the_trail_says_which() -> None:
    UserFactory.create(username="jo", roles=["viewer"])
    assert told("set_account", "jo", "--give", "operator", "auditor", "--take", "viewer").strip() == (
        "jo: active, operator, auditor"
    )
    event = AuditEvent.objects.get(action=rules.SET_ACCOUNT)
    assert (event.actor, event.target, event.via) == ("root", "jo", "command")
    assert event.before == {**NOTHING, "active": True, "viewer": True}
    assert event.after == {**NOTHING, "active": True, "operator": True, "auditor": True}


def test_groups_that_are_no_roles_stay() -> None:
    user = UserFactory.create(username="jo")
    user.groups.add(Group.objects.create(name="choir"))
    set_account("jo", viewer=True)
    assert set(user.groups.values_list("name", flat=True)) == {"choir", "viewer"}


@pytest.mark.sqlite
@pytest.mark.parametrize("role", [*roles.ROLES, "superuser"])
def test_whoever_is_no_engine_may_look_at_the_console(role: str) -> None:
    UserFactory.create(username="jo")
    set_account("jo", **{role: True})
    assert User.objects.get().is_staff is (role != "engine")
    set_account("jo", **{role: False})
    assert not User.objects.get().is_staff


def test_an_account_that_is_not_active_cannot_sign_in_and_a_role_that_is_unknown_cannot_be_given() -> None:
    UserFactory.create(username="jo", roles=["viewer"])
    told("set_account", "jo", "--take", "active")
    assert not User.objects.get().is_active
    with pytest.raises(CommandError, match="invalid choice: 'king'"):
        told("set_account", "jo", "--give", "king")
    with pytest.raises(CommandError, match="nothing in both"):
        told("set_account", "jo", "--give", "viewer", "--take", "viewer")
    with pytest.raises(CommandError, match="Say what to --give"):
        told("set_account", "jo")


def test_an_account_that_is_not_there_cannot_be_changed() -> None:
    with pytest.raises(NotFound, match="no account 'jo'"):
        set_account("jo", viewer=True)


def test_a_new_account_has_a_password_that_is_printed_once_and_no_role() -> None:
    printed = told("create_account", "jo")
    password = printed.partition("Password of jo: ")[2].split()[0]
    user = User.objects.get(username="jo")
    assert user.check_password(password)
    assert (user.is_staff, user.is_superuser, user.groups.count()) == (False, False, 0)
    assert [event.action for event in AuditEvent.objects.order_by("pk")] == [
        "access.account.create", "access.account.first_password",
    ]  # fmt: skip
    assert password not in "".join(f"{event.after}{event.reason}" for event in AuditEvent.objects.all())


def test_an_engines_account_has_no_password() -> None:
    assert "Password" not in told("create_account", "bot", "--without-password")
    assert not User.objects.get(username="bot").has_usable_password()


def test_an_account_is_created_once_and_its_password_set_once() -> None:
    told("create_account", "jo")
    before = User.objects.get().password
    with pytest.raises(CommandError, match=r"Refused \(not_created\): A user with that username already exists"):
        told("create_account", "jo")
    refusal = services.set_first_password(username="jo", actor="root")
    assert isinstance(refusal, changes.Refused)
    assert (refusal.code, User.objects.get().password) == ("has_password", before)


@pytest.mark.parametrize("name", ["", " ", "a b", "a" * 151, "a\0b", "a/b"])
def test_an_odd_name_is_refused(name: str) -> None:
    with pytest.raises(CommandError):
        told("create_account", name)
    assert not User.objects.exists()


def test_the_review_says_who_holds_which_role_and_which_tokens_end(client: Any) -> None:
    from access import review
    from governance.review import last_week

    UserFactory.create(username="jo", roles=["operator", "auditor"])
    UserFactory.create(username="gone", roles=["operator"], is_active=False)
    section = review.section(last_week())
    assert section.data["roles"] == {
        **{role: [] for role in ("superuser", *roles.ROLES)}, "operator": ["jo"], "auditor": ["jo"],
    }  # fmt: skip
    assert (section.alarms, section.data["tokens_ending"]) == ([], [])
    from tests.access.factories import secret_of

    secret = secret_of(UserFactory.create(username="jo"), "WHOLESALE")
    section = review.section(last_week())
    assert section.alarms == ["1 token(s) end within 14 days: issue new ones"]
    assert section.data["tokens_ending"][0]["token"] == secret[:15]
