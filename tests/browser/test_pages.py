from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from golive import services
from tests.browser.test_every_page import visit
from tests.riskguard.factories import go_live

pytestmark = [pytest.mark.sqlite, pytest.mark.xdist_group("browser")]  # no database changes a page


def test_the_documentation_shows_every_operation_and_opens_one(page: Page) -> None:
    visit(page, "/docs")
    expect(page.locator(".opblock").first).to_be_visible()
    assert page.locator(".opblock").count() > 40
    # The page's own styles must not squeeze what Swagger UI lays out.
    assert page.evaluate("document.querySelector('.opblock').clientWidth") > 1100
    operation = page.locator(".opblock", has_text="/api/governance/risk/check-and-reserve").first
    operation.click()
    expect(operation.get_by_text("Bad Request").or_(operation.get_by_text("is malformed")).first).to_be_visible()
    expect(page).to_have_title("Valhalla")


def test_the_reference_shows_the_levers(page: Page) -> None:
    # ReDoc draws every operation at once, as Swagger UI lists them all: here a path of each lever shows what it can.
    document = page.request.get("/openapi.json").json()
    paths: dict[str, tuple[str, dict[str, Any]]] = {}
    for path, operations in document["paths"].items():
        paths.setdefault(next(iter(operations.values()))["tags"][0], (path, operations))
    document["paths"] = dict(paths.values())
    page.route("**/openapi.json", lambda route: route.fulfill(json=document))
    visit(page, "/redoc")
    expect(page.get_by_role("heading", name="Valhalla")).to_be_visible()
    for lever in ("Go-live", "Risk guard", "Heimdall", "Regression tripwire"):
        expect(page.get_by_role("menuitem", name=lever)).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_a_blocked_request_shows_a_page_that_says_why(page: Page, scheme: str, width: int) -> None:
    services.disable(actor="ops", reason="The ledger is being reconciled.")
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.set_viewport_size({"width": width, "height": 800})
    answer = page.goto("/api/deals")
    assert answer is not None
    assert answer.status == 403
    expect(page.get_by_text("GO_LIVE_DISABLED", exact=True)).to_be_visible()
    expect(page.get_by_text("The ledger is being reconciled.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    expect(page.get_by_role("link", name="Open the console")).to_have_attribute("href", "/admin/")


def test_an_unknown_address_shows_a_page(page: Page) -> None:
    go_live()
    answer = page.goto("/nothing/here")
    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("link", name="API documentation")).to_have_attribute("href", "/docs")


def test_the_api_can_be_browsed_and_links_on(page: Page) -> None:
    visit(page, "/api/governance")
    expect(page.get_by_role("link", name="Valhalla")).to_be_visible()
    page.get_by_role("link", name="/api/governance/risk/policies", exact=False).first.click()
    expect(page.get_by_text('"WHOLESALE"')).to_be_visible()


def test_a_filter_is_offered_where_a_list_is_browsed(page: Page, signed_in: User) -> None:
    page.goto("/api/governance/risk/events")
    page.get_by_role("button", name="Filters").click()
    expect(page.locator("#filtersModal")).to_contain_text("Engine")


def test_a_blocked_page_leads_to_the_console(page: Page, signed_in: User) -> None:
    page.goto("/")
    page.get_by_role("link", name="Open the console").click()
    page.wait_for_url("**/admin/")
    expect(page.get_by_text("DISABLED").first).to_be_visible()
