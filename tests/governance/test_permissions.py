from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import AnonymousUser, Group, User
from django.test import RequestFactory
from knox.models import AuthToken
from rest_framework.test import APIClient

from governance import permissions, roles
from governance.attribution import actor_of
from tests.riskguard.asking import PROBLEM

STATE, AUDIT = "/api/governance/go-live/state", "/api/governance/audit"
DISABLE = "/api/governance/go-live/disable"
RESERVE, APPROVE = "/api/governance/risk/check-and-reserve", "/api/governance/changes/1/approve"


def _client(*groups: str, **more: Any) -> APIClient:
    """Return a client with a token of a user in ``groups``, calling from anywhere."""
    user = User.objects.create_user("jo", **more)
    user.groups.set(Group.objects.filter(name__in=groups))
    client = APIClient(SERVER_NAME="testserver", REMOTE_ADDR="203.0.113.9")
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {AuthToken.objects.create(user)[1]}")
    return client


# Open: this machine's own callers


def _is_local(**meta: str) -> bool:
    return permissions.is_local(RequestFactory().get("/", **{"HTTP_HOST": "localhost:8000", **meta}))  # type: ignore[arg-type]


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1"])
@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "LOCALHOST", "127.0.0.1:8000", "[::1]:8000", "[::1]"])
def test_a_loopback_peer_with_a_loopback_host_is_local(peer: str, host: str) -> None:
    assert _is_local(REMOTE_ADDR=peer, HTTP_HOST=host)


@pytest.mark.parametrize("peer", ["203.0.113.9", "10.0.0.1", "128.0.0.1", "::2", "", "localhost.evil", "unix:"])
def test_another_peer_is_not_local(peer: str) -> None:
    assert not _is_local(REMOTE_ADDR=peer)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "[::1", "10.0.0.1"],
)
def test_a_name_that_was_pointed_at_this_machine_is_not_local(host: str) -> None:
    assert not _is_local(HTTP_HOST=host)


@pytest.mark.parametrize(
    "header",
    ["FORWARDED", "VIA", "X_CLIENT_IP", "X_FORWARDED_FOR", "X_FORWARDED_HOST", "X_FORWARDED_PORT", "X_FORWARDED_PROTO",
     "X_FORWARDED_SERVER", "X_REAL_IP"],
)  # fmt: skip
@pytest.mark.parametrize("value", ["127.0.0.1", ""])
def test_what_a_proxy_forwards_is_not_local(header: str, value: str) -> None:
    assert not _is_local(**{f"HTTP_{header}": value})


@pytest.mark.parametrize(
    ("site", "local"), [("none", True), ("same-origin", True), ("same-site", False), ("cross-site", False), ("", False)]
)
def test_what_a_browser_sends_from_another_site_is_not_local(site: str, local: bool) -> None:
    assert _is_local(HTTP_SEC_FETCH_SITE=site) is local


@pytest.mark.parametrize(
    ("origin", "local"),
    [
        ("http://localhost:8000", True), ("http://LOCALHOST:8000", True), ("http://localhost", False),
        ("http://localhost:9000", False), ("https://evil.example", False), ("null", False), ("", False),
        ("http://[::1", False), ("http://evil.example@localhost:8000", False),
    ],
)  # fmt: skip
def test_an_origin_must_be_the_host_itself(origin: str, local: bool) -> None:
    assert _is_local(HTTP_ORIGIN=origin) is local


@pytest.mark.django_db
def test_open_answers_this_machine_and_no_other(api: APIClient) -> None:
    assert api.get(STATE).status_code == 200
    assert api.post(DISABLE, {"actor": "jo"}).status_code == 200
    for other in ({"REMOTE_ADDR": "203.0.113.9"}, {"HTTP_X_FORWARDED_FOR": "127.0.0.1"}, {"HTTP_ORIGIN": "http://x.y"}):
        answer = api.post(DISABLE, {"actor": "jo"}, **other)  # type: ignore[arg-type]
        assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM)


@pytest.mark.django_db
def test_closed_does_not_know_this_machine(api: APIClient, settings: LazySettings) -> None:
    settings.API_AUTH = "token"
    for answer in (api.get(STATE), api.post(DISABLE, {"actor": "jo"}), api.put(STATE, {})):
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


# Tokens and roles


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["Bearer nonsense", "Bearer", "Bearer a b", "bearer \xff"])
def test_a_token_that_is_none_is_a_401_in_open_mode_too(token: str, api: APIClient) -> None:
    answer = api.get(STATE, HTTP_AUTHORIZATION=token)
    assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM)


ALLOWED = {
    "viewer": {STATE},
    "engine": {STATE, RESERVE},
    "operator": {STATE, AUDIT, DISABLE},
    "approver": {STATE, AUDIT, APPROVE},
    "auditor": {STATE, AUDIT},
    "stranger": set(),
}


@pytest.mark.django_db
@pytest.mark.parametrize("role", ALLOWED)
def test_a_role_may_do_what_its_rights_say_and_no_more(role: str, settings: LazySettings) -> None:
    settings.API_AUTH = "token"
    client = _client(role)
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
    boss = _client(is_superuser=True)
    assert boss.get(AUDIT).status_code == 200
    User.objects.update(is_active=False)
    assert boss.get(AUDIT).status_code == 401
    assert roles.rights_of(User.objects.get()) == frozenset()
    assert roles.rights_of(AnonymousUser()) == frozenset()


@pytest.mark.django_db
def test_every_role_of_the_table_has_rights_that_are_known() -> None:
    assert set(roles.ROLES) == {"viewer", "engine", "operator", "approver", "auditor"} == ALLOWED.keys() - {"stranger"}
    assert set(Group.objects.values_list("name", flat=True)) == set(roles.ROLES)
    assert {right for rights in roles.ROLES.values() for right in rights} <= roles.RIGHTS.keys()


@pytest.mark.django_db
def test_two_roles_have_the_rights_of_both() -> None:
    client = _client("engine", "operator")
    assert client.post(DISABLE, {"reason": "r"}).status_code == 200
    assert client.post(RESERVE, {"engine": "WHOLESALE", "amount": 1}).status_code == 200


def test_an_unsafe_method_whose_right_no_one_named_is_refused() -> None:
    class Forgotten:
        action = "erase"

    assert permissions.right_of(Forgotten(), "POST") is None
    assert permissions.right_of(Forgotten(), "GET") == roles.READ


@pytest.mark.django_db
def test_a_method_that_is_not_there_is_a_405_for_whoever_is_let_in_at_all() -> None:
    client = _client("viewer")
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
    client = _client("operator", "auditor")
    assert client.post(DISABLE, {"actor": named} if named else {}).status_code == 200
    (event,) = client.get(AUDIT, {"action": "go_live.disable"}).json()["results"]
    assert (event["actor"], event["on_behalf_of"], event["via"], event["address"]) == ("jo", kept, "api", "203.0.113.9")
