from __future__ import annotations

import pytest
from django.contrib import admin

from governance.console.screens import Screen
from tests.console.conftest import SignedIn

pytestmark = [pytest.mark.sqlite, pytest.mark.django_db]
LISTS = "/admin/riskguard/riskreservation/", "/admin/governance/reviewdecision/"


@pytest.mark.parametrize("address", LISTS)
def test_a_list_without_rows_says_where_they_come_from(signed_in: SignedIn, address: str) -> None:
    page = signed_in("operator").get(address)
    shown = page.context["cl"]
    assert f"No {shown.opts.verbose_name_plural} yet" in page.text
    assert shown.model_admin.empty in page.text
    assert "Nothing matches" not in page.text


@pytest.mark.parametrize(
    ("address", "narrowed"),
    [
        ("/admin/riskguard/riskpolicy/", {"q": "zebra"}),
        ("/admin/riskguard/riskreservation/", {"status__exact": "OPEN"}),
    ],
)
def test_a_list_that_is_narrowed_to_nothing_offers_all(
    signed_in: SignedIn, address: str, narrowed: dict[str, str]
) -> None:
    page = signed_in("operator").get(address, narrowed)
    assert "Nothing matches" in page.text
    assert '<a class="vh-button" href="?">Show all</a>' in page.text


def test_a_list_that_shows_all_does_not_offer_to(signed_in: SignedIn) -> None:
    assert "Show all" not in signed_in("operator").get("/admin/riskguard/riskpolicy/").text


def test_every_screen_says_its_own() -> None:
    screens = [screen for screen in admin.site._registry.values() if isinstance(screen, Screen)]
    assert len(screens) > 20
    assert [screen for screen in screens if screen.empty == Screen.empty] == []
