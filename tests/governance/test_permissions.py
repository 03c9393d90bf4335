"""The rights by role, and the addresses that ask for them; who is let in at all is tested in tests/access."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import AnonymousUser, Group, User
from rest_framework.test import APIClient

from governance import permissions, roles
from governance.attribution import actor_of
from tests.access.factories import UserFactory, bearing, caller, secret_of
from tests.riskguard.asking import PROBLEM

STATE, AUDIT = "/api/governance/go-live/state", "/api/governance/audit"
DISABLE = "/api/governance/go-live/disable"
RESERVE, APPROVE = "/api/governance/risk/check-and-reserve", "/api/governance/changes/1/approve"
ALLOWED = {
    "viewer": {STATE},
    "engine": {STATE, RESERVE},
    "operator": {STATE, AUDIT, DISABLE},
    "approver": {STATE, AUDIT, APPROVE},
    "auditor": {STATE, AUDIT},
    "": set(),
}


@pytest.mark.django_db
def test_closed_does_not_know_this_machine(api: APIClient, settings: LazySettings) -> None:
    settings.API_AUTH = "token"
    for answer in (api.get(STATE), api.post(DISABLE, {"actor": "jo"}), api.put(STATE, {})):
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["Bearer nonsense", "Bearer", "Bearer a b", "Bearer \xff", "Bearer \0"])
def test_a_token_that_is_none_is_a_401_in_open_mode_too(token: str, api: APIClient) -> None:
    answer = api.get(STATE, HTTP_AUTHORIZATION=token)
    assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM)


@pytest.mark.sqlite
@pytest.mark.django_db
@pytest.mark.parametrize("role", ALLOWED)
def test_a_role_may_do_what_its_rights_say_and_no_more(role: str, settings: LazySettings) -> None:
    settings.API_AUTH = "token"
    client = caller(role, "WHOLESALE")
    answers = {
        STATE: client.get(STATE),
        AUDIT: client.get(AUDIT),
        DISABLE: client.post(DISABLE, {"reason": "r"}),
        RESERVE: client.post(RESERVE, {"engine": "WHOLESALE", "amount": 1}),
        APPROVE: client.post(APPROVE, {}),
    }
    assert {path for path, answer in answers.items() if answer.status_code != 403} == ALLOWED[role]
    assert answers[APPROVE].status_code in {403, 404}


@pytest.mark.django_db
def test_a_superuser_may_do_all_and_an_inactive_user_nothing() -> None:
    boss = User.objects.create_superuser("boss")
    client = bearing(secret_of(boss))
    assert client.get(AUDIT).status_code == 200
    User.objects.update(is_active=False)
    assert client.get(AUDIT).status_code == 401
    boss.refresh_from_db()
    assert roles.rights_of(boss) == roles.rights_of(AnonymousUser()) == frozenset()


@pytest.mark.django_db
def test_every_role_of_the_table_is_a_group_and_has_rights_that_are_known() -> None:
    assert set(Group.objects.values_list("name", flat=True)) == set(roles.ROLES)
    assert {right for rights in roles.ROLES.values() for right in rights} <= roles.RIGHTS.keys()


@pytest.mark.django_db
def test_two_roles_have_the_rights_of_both() -> None:
    client = bearing(secret_of(UserFactory.create(roles=["engine", "operator"]), "WHOLESALE"))
    assert client.post(DISABLE, {"reason": "r"}).status_code == 200
    assert client.post(RESERVE, {"engine": "WHOLESALE", "amount": 1}).status_code == 200


def test_an_unsafe_method_whose_right_no_one_named_is_refused() -> None:
    class Forgotten:
        action = "erase"

    assert permissions.right_of(Forgotten(), "POST") is None
    assert permissions.right_of(Forgotten(), "GET") == roles.READ


@pytest.mark.django_db
def test_a_method_that_is_not_there_is_a_405_for_whoever_is_let_in_at_all() -> None:
    client = caller("viewer")
    assert client.delete(STATE).status_code == 405
    assert client.post(DISABLE, {"reason": "r"}).status_code == 403


# Who is named in the trail


class _Request:
    def __init__(self, user: Any) -> None:
        self.user = user


def test_without_a_token_the_actor_is_whom_the_body_names() -> None:
    assert actor_of(_Request(AnonymousUser()), "jo") == "jo"  # type: ignore[arg-type]
    assert actor_of(_Request(AnonymousUser())) == "anonymous"  # type: ignore[arg-type]


@pytest.mark.django_db
@pytest.mark.parametrize(("named", "kept"), [("", ""), ("jo", ""), ("pat", "pat")])
def test_with_a_token_the_user_is_the_actor_and_another_is_kept_as_on_behalf_of(named: str, kept: str) -> None:
    client = caller("operator", name="jo")
    assert client.post(DISABLE, {"actor": named} if named else {}).status_code == 200
    (event,) = client.get(AUDIT, {"action": "go_live.disable"}).json()["results"]
    assert (event["actor"], event["on_behalf_of"], event["via"], event["address"]) == ("jo", kept, "api", "192.0.2.7")
