from __future__ import annotations

import datetime as dt
import io

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from access.models import Token
from governance import clock, roles
from governance.models import AuditEvent
from tests.access.factories import UserFactory, bearing, caller, secret_of, stranger

pytestmark = pytest.mark.usefixtures("closed")
HOLDS = "/api/governance/holds"


def issue(user: str, *arguments: str) -> str:
    """Return what issue_token prints."""
    printed = io.StringIO()
    call_command("issue_token", user, "--actor", "root", *arguments, stdout=printed, stderr=io.StringIO())
    return printed.getvalue().strip()


def test_a_stranger_is_asked_for_a_token_and_not_told_that_it_is_forbidden() -> None:
    answer = stranger().get(HOLDS)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["code"] == "not_authenticated"
    assert "Authorization: Bearer TOKEN" in answer.json()["detail"]


def test_an_issued_token_is_printed_once_and_stored_as_a_digest_alone() -> None:
    UserFactory.create(username="vic", roles=["viewer"])
    secret = issue("vic")
    assert bearing(secret).get(HOLDS).status_code == 200
    token = Token.objects.get()
    assert (token.user.username, len(secret), token.token_key) == ("vic", 64, secret[:15])
    event = AuditEvent.objects.get(action="access.token.issue")
    assert (event.actor, event.target, event.via) == ("root", "vic", "command")
    for stored in (*vars(token).values(), event.after, event.reason):
        assert secret not in str(stored)


def test_a_user_has_several_tokens_and_each_ends_by_itself() -> None:
    UserFactory.create(username="vic", roles=["viewer"])
    short, long = issue("vic", "--ttl", "12h"), issue("vic", "--ttl", "30d")
    ends = Token.objects.get(token_key=short[:15]).expiry
    with clock.at(ends - dt.timedelta(microseconds=1)):
        assert bearing(short).get(HOLDS).status_code == 200
    with clock.at(ends):
        answer = bearing(short).get(HOLDS)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
        assert "expired" in answer.json()["detail"]
        assert bearing(long).get(HOLDS).status_code == 200
    assert Token.objects.count() == 2  # looking deletes nothing


@pytest.mark.parametrize("ttl", ["1m", "366d", "8784h"])
def test_a_time_to_live_reaches_both_limits(ttl: str) -> None:
    UserFactory.create(username="vic")
    assert issue("vic", "--ttl", ttl)


@pytest.mark.parametrize("ttl", ["0m", "367d", "8785h", "90", "d", "-1d", "1w", "1.5h", ""])
def test_an_odd_time_to_live_is_refused_with_what_is_accepted(ttl: str) -> None:
    UserFactory.create(username="vic")
    with pytest.raises(CommandError, match="no time from 1m to 366d"):
        issue("vic", f"--ttl={ttl}")
    assert not Token.objects.exists()


def test_nobody_gets_a_token_for_an_account_that_is_not_there() -> None:
    with pytest.raises(CommandError, match="no account 'vic'"):
        issue("vic")


@pytest.mark.parametrize("shown", ["name", "whole token"])
def test_a_revoked_token_is_a_strangers(shown: str) -> None:
    secret = secret_of(UserFactory.create(username="vic", roles=["viewer"]))
    kept = secret_of(User.objects.get())
    call_command(
        "revoke_token", secret if shown == "whole token" else secret[:15], "--actor", "root", stdout=io.StringIO()
    )
    assert bearing(secret).get(HOLDS).status_code == 401
    assert bearing(kept).get(HOLDS).status_code == 200
    event = AuditEvent.objects.get(action="access.token.revoke")
    assert (event.actor, event.target, event.before["user"]) == ("root", secret[:15], "vic")


def test_every_token_of_an_account_is_revoked_at_once() -> None:
    secrets = [secret_of(UserFactory.create(username="vic", roles=["viewer"])) for _ in range(2)]
    call_command("revoke_token", "--user", "vic", stdout=io.StringIO())
    assert {bearing(secret).get(HOLDS).status_code for secret in secrets} == {401}
    with pytest.raises(CommandError, match="vic has no token"):
        call_command("revoke_token", "--user", "vic")


def test_an_unknown_token_cannot_be_revoked_and_its_text_is_not_kept() -> None:
    with pytest.raises(CommandError, match="no token 'abcdefabcdefabc'"):
        call_command("revoke_token", "abcdefabcdefabc-and-the-rest")
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize(
    "sent", ["Bearer", "Bearer a b", "Bearer nonsense", "Bearer \xff\xfe", "bearer " + "0" * 64, "Basic YTpi", ""]
)
def test_an_odd_header_is_a_401(sent: str) -> None:
    client = stranger()
    client.credentials(HTTP_AUTHORIZATION=sent)
    answer = client.get(HOLDS)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")


def test_the_token_of_an_account_that_is_not_active_opens_nothing() -> None:
    user = UserFactory.create(roles=["viewer"])
    secret = secret_of(user)
    User.objects.update(is_active=False)
    assert bearing(secret).get(HOLDS).status_code == 401


def test_a_caller_costs_one_query_whatever_its_roles_and_tokens_and_writes_nothing() -> None:
    user = UserFactory.create(roles=["viewer", "operator", "approver"])
    secret, *_others = [secret_of(user) for _ in range(3)]
    with CaptureQueriesContext(connection) as seen:
        assert bearing(secret).get("/api/governance").status_code == 200
    assert [query["sql"].split()[0] for query in seen] == ["SELECT"]


def test_two_roles_give_the_rights_of_both() -> None:
    user = UserFactory.create(roles=["engine", "approver"])
    secret = secret_of(user)
    with CaptureQueriesContext(connection):
        assert bearing(secret).get("/api/governance/audit").status_code == 200
    assert roles.rights_of(user) == roles.ROLES["engine"] | roles.ROLES["approver"]


def test_a_role_that_is_missing_is_named() -> None:
    answer = caller("viewer").post("/api/governance/go-live/disable", {})
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert answer.json()["detail"] == "Your role does not include the right to change policies, switches and incidents."


def test_a_session_of_the_console_calls_with_its_rights_and_a_csrf_token() -> None:
    client = stranger()
    client.handler.enforce_csrf_checks = True
    client.force_login(UserFactory.create(roles=["operator"], is_staff=True))
    assert client.get(HOLDS).status_code == 200
    answer = client.post("/api/governance/go-live/disable", {"reason": "r"})
    assert (answer.status_code, "CSRF" in answer.json()["detail"]) == (403, True)
    client.get("/admin/")
    token = client.cookies["csrftoken"].value
    answer = client.post("/api/governance/go-live/disable", {"reason": "r"}, HTTP_X_CSRFTOKEN=token)
    assert answer.status_code == 200
    assert answer.json()["changed_by"].startswith("person")


def test_with_a_token_the_user_is_the_actor_and_another_whom_the_body_names_is_kept() -> None:
    answer = caller("operator", name="jo").post("/api/governance/go-live/disable", {"actor": "root", "reason": "r"})
    assert answer.json()["changed_by"] == "jo"
    event = AuditEvent.objects.get(action="go_live.disable")
    assert (event.actor, event.on_behalf_of, event.address) == ("jo", "root", "192.0.2.7")
