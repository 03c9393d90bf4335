"""Every page of the console opens on PostgreSQL, where every table has rows, for who may look and for nobody else.

What a page says is the same on every database: the other tests of the console run on SQLite. What it asks is not, and
PostgreSQL is the stricter of the two.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse

from golive.services import engage_kill_switch
from governance.models import ChangeRequest, Seal
from tests.console.conftest import SignedIn
from tests.console.tripwires import PAGE
from tests.regression.factories import rearm, tripped
from tests.riskguard.factories import go_live, reserve, settled
from tests.rows import ROWS

pytestmark = [pytest.mark.postgresql, pytest.mark.usefixtures("_rows")]


@pytest.fixture
def _rows(db: None) -> None:
    go_live()
    settled("WHOLESALE", 30_000, 1_000)
    reserve("NOTIFY")
    tripped("WHOLESALE")
    rearm(domain="WHOLESALE")
    tripped()
    engage_kill_switch(actor="ops")
    for model in ROWS:
        if model is not Seal and not model._default_manager.exists():
            ROWS[model]()


def opened(browser: Client, address: str, **asked: str) -> Any:
    answer = browser.get(address, asked, follow=True)
    assert answer.status_code == 200, (address, asked)
    return answer


def test_every_list_is_shown_and_searched_and_so_is_a_row(signed_in: SignedIn, rf: RequestFactory) -> None:
    browser, nobody = signed_in("auditor", "administrator"), signed_in(name="nobody")
    searched = rf.get("/admin/", {"q": "nothing-like-it"})
    searched.user = User.objects.get(username="jo")
    for model, screen in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        address = reverse(f"{name}_changelist")
        assert nobody.get(address).status_code == 403, model
        rows = opened(browser, address).context["cl"].result_list
        assert rows or model is Seal, model
        if screen.search_fields:
            assert not list(screen.get_changelist_instance(searched).result_list), model
        for row in rows[:1]:
            opened(browser, reverse(f"{name}_change", args=[row.pk]))


def test_the_consoles_own_pages_are_shown(signed_in: SignedIn) -> None:
    browser, nobody = signed_in("operator"), signed_in(name="nobody")
    change = ChangeRequest.objects.latest("pk")
    for address in (
        "/admin/control-plane/", "/admin/review/", PAGE, f"/admin/changes/{change.pk}/",
        "/admin/act/risk.policy.set/WHOLESALE/", "/admin/history/risk.policy.set/WHOLESALE/",
    ):  # fmt: skip
        opened(browser, address)
        assert nobody.get(address).status_code == 403, address
    opened(browser, "/admin/")
    opened(browser, "/admin/review/", week="2026-11-23")
