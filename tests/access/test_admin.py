from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from access.models import Token
from governance import roles
from governance.console.screens import Screen
from tests.access.factories import UserFactory, secret_of

pytestmark = pytest.mark.django_db


def console(*named: str) -> Client:
    client = Client()
    client.force_login(UserFactory.create(username="jo", roles=named, is_staff=True))
    return client


@pytest.mark.parametrize("role", roles.ROLES)
def test_what_a_role_may_look_at_is_read_from_the_one_table(role: str) -> None:
    client = console(role)
    for model, shown in admin.site._registry.items():
        answer = client.get(reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"))
        assert isinstance(shown, Screen)
        assert (answer.status_code == 200) is (shown.right in roles.ROLES[role]), model


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
