from __future__ import annotations

import datetime as dt

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Model
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from access.models import Token
from governance import clock
from governance.console.histories import HistoryScreen
from governance.console.screens import Screen
from heimdall.services import authorize
from tests.access.factories import secret_of
from tests.console.asking import asked
from tests.console.conftest import SignedIn
from tests.heimdall.factories import EventFactory, earned
from tests.regression import factories as tripwires
from tests.riskguard.factories import go_live, policy, settled
from tests.rows import ROWS

# What is drawn of a row is the same on both databases; test_opening.py opens every page on PostgreSQL.
pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


def address(model: type[Model], page: str, *arguments: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_model_has_a_screen_that_edits_nothing(model: type[Model]) -> None:
    screen = admin.site._registry[model]
    assert isinstance(screen, Screen)
    assert not screen.list_editable
    assert screen.actions is None


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_nobody_may_add_edit_or_delete_a_row(model: type[Model], rf: RequestFactory, admin_user: User) -> None:
    screen, request = admin.site._registry[model], rf.get("/admin/")
    request.user = admin_user
    assert screen.has_view_permission(request)
    assert not screen.has_add_permission(request)
    assert not screen.has_change_permission(request)
    assert not screen.has_delete_permission(request)
    assert screen.get_actions(request) == {}


def test_who_posts_to_a_screen_adds_edits_and_deletes_nothing(admin_client: Client) -> None:
    """Of each kind of screen one: what it asks is the model's permissions, which nobody has."""
    kinds = {type(admin.site._registry[model]).__mro__[1]: model for model in ROWS if model in admin.site._registry}
    assert {Screen, HistoryScreen} <= kinds.keys()
    for model in kinds.values():
        row = ROWS[model]()
        assert admin_client.post(address(model, "add"), {}).status_code == 403, model
        assert admin_client.post(address(model, "change", row.pk), {}).status_code == 403, model
        assert admin_client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403, model
        posted = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        admin_client.post(address(model, "changelist"), posted)
        assert model._default_manager.filter(pk=row.pk).exists(), model


def _status(browser: Client, page: str) -> int:
    try:
        return int(asked(browser, page).status_code)
    except PermissionDenied:
        return 403


def test_each_role_sees_what_the_table_of_roles_lets_it_read(signed_in: SignedIn) -> None:
    policies, trail = "/admin/riskguard/riskpolicy/", "/admin/governance/auditevent/"
    seen = {}
    for role in ("viewer", "engine", "operator", "approver", "auditor", ""):
        browser = signed_in(role, name=role or "nobody")
        seen[role] = [_status(browser, page) for page in (policies, trail)]
    assert seen == {
        "viewer": [200, 403],
        "engine": [200, 403],
        "operator": [200, 200],
        "approver": [200, 200],
        "auditor": [200, 200],
        "": [403, 403],
    }


def test_changes_are_offered_to_whom_may_make_them_alone(operator: Client, viewer: Client) -> None:
    row = policy("WHOLESALE")
    shown = operator.get(f"/admin/riskguard/riskpolicy/{row.pk}/change/").content.decode()
    assert "Change caps" in shown
    assert "/admin/act/risk.policy.set/WHOLESALE/" in shown
    assert "Throttle" in shown
    assert "New policy" in operator.get("/admin/riskguard/riskpolicy/").content.decode()
    hidden = viewer.get(f"/admin/riskguard/riskpolicy/{row.pk}/change/").content.decode()
    assert "/admin/act/risk" not in hidden
    assert "/admin/act/risk" not in viewer.get("/admin/riskguard/riskpolicy/").content.decode()


def test_money_is_shown_with_its_currency_and_times_in_utc(viewer: Client) -> None:
    row = policy("WHOLESALE", max_daily_loss=123_456)
    for page in ("/admin/riskguard/riskpolicy/", f"/admin/riskguard/riskpolicy/{row.pk}/change/"):
        html = viewer.get(page).content.decode()
        assert "1,234.56 USD" in html
        assert "no limit" in html
        assert "just now" in html


def test_the_list_of_policies_says_what_each_has_used_today(viewer: Client) -> None:
    go_live()
    settled("WHOLESALE", 30_000)
    response = viewer.get("/admin/riskguard/riskpolicy/", {"o": "-5"})
    used = {row.engine: row.exposure_today for row in response.context["cl"].result_list}
    assert (used["WHOLESALE"], used["GLOBAL"], used["CAPITAL"]) == (30_000, 30_000, None)
    html = response.content.decode()
    assert "300.00 USD" in html
    assert "0.00 USD" in html


def test_the_list_of_domains_says_what_was_decided_today_and_the_list_of_tripwires_what_was_seen(
    viewer: Client,
) -> None:
    with clock.at(clock.now() - dt.timedelta(days=1)):
        go_live()
        wanted = earned("PRICING")
        assert authorize(recommendation_id=wanted.pk, actor="engine").ok
        tripwires.PolicyFactory(max_drop_fraction=1)
        tripwires.record_at_once("SSSS")
    counts = []
    for more in (1, 9):
        for _ in range(more):
            EventFactory(domain="PRICING", kind="AUTHORIZE", reason="gate_pass", recommendation=wanted)
            EventFactory(domain="PRICING", kind="DENY", reason="prod_use_disabled")
            tripwires.record_at_once("SF")
        with CaptureQueriesContext(connection) as seen:
            domains = viewer.get("/admin/heimdall/heimdallpolicy/").context["cl"].result_list
            watching = viewer.get("/admin/regression/regressionpolicy/")
        counts.append(len(seen))
    assert counts[0] == counts[1]
    told = {row.domain: row.decided_today for row in domains}
    assert (told["PRICING"], told["BUYER_MATCH"]) == ("10 authorized, 10 prod use disabled", None)
    rows = {str(row): (row.events_today, row.rate) for row in watching.context["cl"].result_list}
    assert rows["OFFERS/signed"] == ("20", 0.5)
    assert rows["WHOLESALE/contract_rate"] == (None, None)
    assert "0.500" in watching.content.decode()


def test_no_secret_of_a_user_or_token_is_shown(signed_in: SignedIn) -> None:
    browser = signed_in("administrator")
    user = User.objects.get(username="jo")
    secret = secret_of(user)
    token = Token.objects.get()
    pages = [address(User, "changelist"), address(User, "change", user.pk)]
    pages += [address(Token, "changelist"), address(Token, "change", token.pk)]
    html = "".join(browser.get(page).content.decode() for page in pages)
    assert token.token_key in html
    for hidden in (user.password, secret):
        assert hidden not in html
