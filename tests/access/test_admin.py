from __future__ import annotations

import datetime as dt
import re

import pytest
from django.conf import LazySettings
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client, RequestFactory
from django.urls import reverse

from access.models import Token
from governance import approvals, clock, roles
from governance.changes import Applied
from governance.console.screens import Screen
from governance.models import AuditEvent, ChangeRequest
from tests.access.factories import UserFactory, bearing, browser_of, secret_of

# A page of the console is the same on every database; the services behind it run on both.
pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]
ISSUE = "/admin/act/access.token.issue/"
NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


def console(*named: str, name: str = "jo") -> Client:
    return browser_of(UserFactory.create(username=name, roles=named, is_staff=True))


@pytest.mark.parametrize("role", roles.ROLES)
def test_what_a_role_may_look_at_is_read_from_the_one_table(role: str, rf: RequestFactory) -> None:
    request = rf.get("/admin/")
    request.user = UserFactory.create(roles=[role], is_staff=True)
    for model, shown in admin.site._registry.items():
        assert isinstance(shown, Screen)
        assert shown.has_view_permission(request) is (shown.right in roles.ROLES[role]), model


def test_without_a_role_there_is_nothing_to_see() -> None:
    answer = console().get(reverse("admin:access_token_changelist"))
    assert answer.status_code == 403


@pytest.mark.parametrize("model", [User, Token])
def test_accounts_and_tokens_are_edited_by_no_form_of_djangos(model: type[User | Token]) -> None:
    client = console("administrator")
    secret_of(UserFactory.create(username="vic"))
    row, name = model.objects.earliest("pk"), f"admin:{model._meta.app_label}_{model._meta.model_name}"
    assert client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
    assert client.post(reverse(f"{name}_change", args=[row.pk]), {"is_superuser": "on"}).status_code == 403
    assert client.post(reverse(f"{name}_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    assert client.post(reverse(f"{name}_add"), {"username": "new"}).status_code == 403
    assert not User.objects.filter(is_superuser=True).exists()


def test_roles_and_passwords_of_others_have_no_page() -> None:
    assert not admin.site.is_registered(Group)
    client = Client()
    client.force_login(User.objects.create_superuser("root", password="x"))
    other = UserFactory.create(username="vic")
    assert client.get(f"/admin/auth/user/{other.pk}/password/").status_code in {302, 404}


def test_the_lists_ask_the_same_number_of_queries_at_one_row_and_at_ten() -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = console("administrator")
    for page in ("admin:auth_user_changelist", "admin:access_token_changelist"):
        counts = []
        for more in (1, 9):
            for _ in range(more):
                secret_of(UserFactory.create(roles=["viewer"]), "WHOLESALE")
            with CaptureQueriesContext(connection) as seen:
                client.get(reverse(page))
            counts.append(len(seen))
        assert counts[0] == counts[1]


def _issue(browser: Client, **more: str) -> str:
    asked = {"account": "vic", "engines": "wholesale, NOTIFY\nwholesale", "days": "7", "reason": "a new engine"}
    answer = browser.post(ISSUE, {**asked, **more})
    assert (answer.status_code, "no-store" in answer["Cache-Control"]) == (200, True)
    return answer.content.decode()


def _shown(html: str) -> str:
    return re.search(r'aria-label="The token">([0-9a-f]{64})<', html)[1]  # type: ignore[index]


def test_a_token_is_issued_bound_and_shown_once() -> None:
    UserFactory.create(username="vic", roles=["engine"])
    browser = console("administrator")
    assert ISSUE in browser.get(reverse("admin:access_token_changelist")).content.decode()
    assert "vic (engine)" in browser.get(ISSUE).content.decode()
    with clock.at(NOON):
        secret = _shown(_issue(browser))
    token = Token.objects.get()
    assert (token.token_key, token.user.get_username()) == (secret[:15], "vic")
    assert (token.engines, token.expiry) == (["NOTIFY", "WHOLESALE"], NOON + dt.timedelta(days=7))
    assert bearing(secret).get("/api/governance/holds").status_code == 200 or token.expiry < clock.now()
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.actor, event.via, event.reason) == (
        "access.token.issue", "jo", "console", "a new engine",
    )  # fmt: skip
    pages = ["/admin/", ISSUE, f"{ISSUE}vic/", "/admin/history/access.token.issue/vic/"]
    pages += [reverse("admin:access_token_changelist"), reverse("admin:access_token_change", args=[token.pk])]
    pages += [reverse("admin:governance_auditevent_change", args=[event.pk]), "/api/governance/audit"]
    for page in pages:
        answer = browser.get(page)
        assert (answer.status_code, secret in answer.content.decode()) == (200, False), page
    assert secret not in "".join(f"{event.before}{event.after}{event.reason}" for event in AuditEvent.objects.all())


def test_a_token_is_revoked_by_its_button(client: Client) -> None:
    secret = secret_of(UserFactory.create(username="vic", roles=["engine"]))
    browser, token = console("administrator"), Token.objects.get()
    page = f"/admin/act/access.token.revoke/{token.token_key}/"
    assert page in browser.get(reverse("admin:access_token_change", args=[token.pk])).content.decode()
    form = browser.get(page).context["seen"]
    assert browser.post(page, {"seen": form, "reason": "it leaked"}).status_code == 302
    assert bearing(secret).get("/api/governance/holds").status_code == 401
    assert AuditEvent.objects.latest("pk").action == "access.token.revoke"


def test_a_token_of_who_could_be_the_second_person_is_shown_and_waits(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    UserFactory.create(username="vic", roles=["operator"])
    UserFactory.create(username="pat", roles=["approver"])
    html = _issue(console("administrator"))
    change = ChangeRequest.objects.get()
    assert f"/admin/changes/{change.pk}/" in html
    api = bearing(_shown(html))
    assert api.get("/api/governance/holds").status_code == 401
    assert isinstance(approvals.approve(change_id=change.pk, actor="pat"), Applied)
    assert api.get("/api/governance/holds").status_code == 200


@pytest.mark.parametrize(
    "odd",
    [
        {
            "account": ("nobody", "not one of the available choices"),
            "engines": ("a b! c", "a name cannot have"),
            "days": ("0", "greater than or equal to 1"),
            "reason": (" ", "required"),
        },
        {
            "account": ("", "required"),
            "engines": (" ".join(f"E{number}" for number in range(51)), "at most 50"),
            "days": ("367", "less than or equal to 366"),
        },
        {"days": ("ten", "whole number")},
    ],
)
def test_an_odd_token_is_not_issued(odd: dict[str, tuple[str, str]]) -> None:
    UserFactory.create(username="vic", roles=["engine"])
    asked = {"account": "vic", "engines": "", "days": "7", "reason": "a new engine"}
    asked |= {field: value for field, (value, _said) in odd.items()}
    answer = console("administrator").post(ISSUE, asked)
    errors = answer.context["form"].errors
    assert errors.keys() == odd.keys()
    for field, (_value, said) in odd.items():
        assert said in str(errors[field])
        assert said in answer.content.decode()
    assert "The token" not in answer.content.decode()
    assert not Token.objects.exists()


@pytest.mark.parametrize("role", [role for role in roles.ROLES if role != "administrator"])
def test_without_the_right_nobody_issues_or_revokes(role: str) -> None:
    UserFactory.create(username="vic", roles=["engine"])
    secret_of(User.objects.get(username="vic"))
    browser = console(role)
    for page in (ISSUE, f"{ISSUE}vic/", f"/admin/act/access.token.revoke/{Token.objects.get().token_key}/"):
        assert browser.get(page).status_code == 403
        assert browser.post(page, {"account": "vic", "days": "1", "reason": "r"}).status_code == 403
    assert Token.objects.count() == 1
