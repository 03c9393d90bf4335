"""Every page of the console opens on PostgreSQL, where every table has rows, for who may look and for nobody else.

What a page says is the same on every database: the other tests of the console run on SQLite. What it asks is not, and
PostgreSQL is the stricter of the two. Of the models' pages, which are drawn alike, it asks what they hold and draws
nothing around it.
"""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.test import Client
from django.urls import reverse
from unfold.templatetags.unfold_list import results

from golive.services import engage_kill_switch
from governance.models import ChangeRequest, Seal
from riskguard.models import RiskReservation
from tests.console.asking import asked, listed
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


def test_every_list_is_shown_and_searched_and_so_is_a_row(signed_in: SignedIn) -> None:
    browser, nobody = signed_in("auditor", "administrator"), signed_in(name="nobody")
    for model, screen in admin.site._registry.items():
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        address = reverse(f"{name}_changelist")
        with pytest.raises(PermissionDenied):
            asked(nobody, address)
        shown = asked(browser, address).context_data["cl"]
        assert list(results(shown)) or model is Seal, model
        for spec in shown.filter_specs:
            list(spec.choices(shown))
        if screen.search_fields:
            assert not listed(browser, address, q="nothing-like-it"), model
        for row in shown.result_list[:1]:
            told = asked(browser, reverse(f"{name}_change", args=[row.pk]))
            if isinstance(told, TemplateResponse):  # a reservation and a change have pages of their own
                parts = told.context_data["adminform"]
                assert [field.contents() for part in parts for line in part for field in line], model


def opened(browser: Client, address: str, **query: str) -> None:
    assert browser.get(address, query, follow=True).status_code == 200, (address, query)


def test_the_consoles_own_pages_are_shown(signed_in: SignedIn) -> None:
    browser, nobody = signed_in("operator"), signed_in(name="nobody")
    change, held = ChangeRequest.objects.latest("pk"), RiskReservation.objects.latest("pk")
    for address in (
        "/admin/control-plane/", "/admin/review/", PAGE, f"/admin/changes/{change.pk}/",
        "/admin/act/risk.policy.set/WHOLESALE/", "/admin/history/risk.policy.set/WHOLESALE/",
        "/admin/riskguard/riskpolicy/", f"/admin/riskguard/riskreservation/{held.pk}/change/",
    ):  # fmt: skip
        opened(browser, address)
        assert nobody.get(address).status_code == 403, address
    opened(browser, "/admin/")
    opened(browser, "/admin/review/", week="2026-11-23")
