from __future__ import annotations

import datetime as dt

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from access.models import Token
from golive.services import engage_kill_switch
from governance import clock
from governance.console.screens import Screen
from heimdall.services import authorize
from tests.access.factories import secret_of
from tests.console.conftest import SignedIn
from tests.heimdall.factories import EventFactory, earned
from tests.regression import factories as tripwires
from tests.regression.factories import rearm, tripped
from tests.riskguard.factories import go_live, policy, reserve, settled

# What is drawn of a row is the same on both databases; tests/access/test_admin.py opens every list on each.
pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]
MODELS = sorted(admin.site._registry, key=lambda model: model._meta.label)


@pytest.fixture
def _history() -> None:
    go_live()
    settled("WHOLESALE", 30_000, 1_000)
    reserve("NOTIFY")
    tripped("WHOLESALE")
    rearm(domain="WHOLESALE")
    engage_kill_switch(actor="ops")


def address(model: type[Model], page: str, *arguments: object) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_model_has_a_screen_that_edits_nothing(model: type[Model]) -> None:
    screen = admin.site._registry[model]
    assert isinstance(screen, Screen)
    assert not screen.list_editable
    assert screen.actions is None


@pytest.mark.usefixtures("_history")
def test_every_list_and_every_row_is_shown_and_searched(signed_in: SignedIn) -> None:
    browser = signed_in("auditor", "administrator")
    for model in MODELS:
        listed = browser.get(address(model, "changelist"))
        assert listed.status_code == 200, model
        if admin.site._registry[model].search_fields:
            assert browser.get(address(model, "changelist"), {"q": "nothing-like-it"}).status_code == 200, model
        for row in listed.context["cl"].result_list[:2]:
            assert browser.get(address(model, "change", row.pk)).status_code == 200, row


@pytest.mark.usefixtures("_history")
def test_nobody_adds_edits_or_deletes_a_row(admin_client: Client) -> None:
    for model in MODELS:
        assert admin_client.post(address(model, "add"), {}).status_code == 403, model
        row = model._default_manager.first()
        if row is not None:
            assert admin_client.post(address(model, "change", row.pk), {}).status_code == 403, model
            assert admin_client.post(address(model, "delete", row.pk), {"post": "yes"}).status_code == 403, model
        posted = {"action": "delete_selected", "_selected_action": [row.pk if row else 1], "post": "yes"}
        admin_client.post(address(model, "changelist"), posted)
        assert row is None or model._default_manager.filter(pk=row.pk).exists(), model


def test_each_role_sees_what_the_table_of_roles_lets_it_read(signed_in: SignedIn) -> None:
    policies, trail = "/admin/riskguard/riskpolicy/", "/admin/governance/auditevent/"
    seen = {}
    for role in ("viewer", "engine", "operator", "approver", "auditor", ""):
        browser = signed_in(role, name=role or "nobody")
        seen[role] = [browser.get(page).status_code for page in (policies, trail)]
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
        tripwires.record("SSSS")
    counts = []
    for more in (1, 9):
        for _ in range(more):
            EventFactory(domain="PRICING", kind="AUTHORIZE", reason="gate_pass", recommendation=wanted)
            EventFactory(domain="PRICING", kind="DENY", reason="prod_use_disabled")
            tripwires.record("SF")
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
