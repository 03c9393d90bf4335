"""The console without a mouse: list, filter, form and inbox are reached, seen and used by keys alone."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from playwright.sync_api import BrowserContext, Locator, Page, expect

from governance.changes import Pending, submit
from riskguard.models import RiskPolicy
from tests.browser.test_console import sign_in
from tests.riskguard.factories import go_live, reserve, reserved

pytestmark = [pytest.mark.sqlite, pytest.mark.xdist_group("browser")]
TABS, MOST_TABS = 10, 40
LOOKS = "node => { const look = getComputedStyle(node); return look.outlineStyle + look.boxShadow + look.borderColor }"
STAY = """node => {
    globalThis.stay = (event) => event.key === "Tab" && event.preventDefault();
    node.addEventListener("keydown", stay);
}"""


def tab_to(page: Page, wanted: Locator) -> None:
    """Press Tab until ``wanted`` has the focus, and see that the focus shows."""
    node = wanted.element_handle()
    # Further presses leave the focus where it is wanted: to ask for it after each takes as long as the press.
    node.evaluate(STAY)
    for _look in range(MOST_TABS // TABS):
        for _press in range(TABS):
            page.keyboard.press("Tab")
        if node.evaluate("node => node === document.activeElement"):
            break
    else:
        pytest.fail(f"{wanted} is not reached by {MOST_TABS} presses of Tab")
    node.evaluate("node => node.removeEventListener('keydown', stay)")
    focused = node.evaluate(LOOKS)
    node.evaluate("node => node.blur()")
    assert focused != node.evaluate(LOOKS)
    node.focus()


def skip_to(page: Page, wanted: Locator) -> None:
    """Go past the sidebar and the header by the first link of a page that has just opened, and on to ``wanted``."""
    wanted.wait_for()
    page.keyboard.press("Tab")
    first = page.get_by_role("link", name="Skip to content")
    expect(first).to_be_focused()
    expect(first).to_be_in_viewport(ratio=1)
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    expect(first).not_to_be_in_viewport()
    tab_to(page, wanted)


def test_list_filter_form_and_inbox_are_walked_by_keys_alone(page: Page, context: BrowserContext, site: str) -> None:
    sign_in(context, site, "operator", "approver")
    go_live()
    reserved("CAPITAL", 1_000)
    reserve("NOTIFY")

    page.goto("/admin/riskguard/riskevent/")
    expect(page.get_by_role("link", name="Export CSV")).to_be_visible()
    skip_to(page, page.get_by_role("button", name="Filters"))
    page.keyboard.press("Enter")
    expect(page.locator("#changelist-filter :focus")).to_be_visible()
    tab_to(page, page.get_by_label("By engine"))
    page.keyboard.type("notify")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("engine=notify"))
    expect(page.locator("#result_list")).to_contain_text("NOTIFY")
    expect(page.locator("#result_list")).not_to_contain_text("CAPITAL")

    page.goto("/admin/riskguard/riskpolicy/")
    skip_to(page, page.get_by_role("link", name="CAPITAL"))
    page.keyboard.press("Enter")
    skip_to(page, page.get_by_role("link", name="Throttle"))
    page.keyboard.press("Enter")
    skip_to(page, page.get_by_label("Reason"))
    page.keyboard.type("the feed is stale")
    tab_to(page, page.locator("#act-form").get_by_role("button", name="Change a risk policy"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("Applied:")).to_be_visible()
    assert not RiskPolicy.objects.get(engine="CAPITAL").enabled

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "FOUR_EYES", True)
        waits = submit(
            action="risk.policy.set", target="WHOLESALE", patch={"max_daily_loss": 900}, actor="jo", reason="the fair"
        )
    assert isinstance(waits, Pending)
    page.goto("/admin/")
    skip_to(page, page.locator("#content").get_by_role("link", name="risk.policy.set WHOLESALE"))
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/changes/{waits.change.pk}/")
    skip_to(page, page.get_by_role("button", name="Approve and apply"))
    page.keyboard.press("Enter")
    expect(page.get_by_text("approved and applied")).to_be_visible()
    assert RiskPolicy.objects.get(engine="WHOLESALE").max_daily_loss == 90_000
