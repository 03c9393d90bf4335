"""The console as a person meets it: the whole of a bad day, the kill switch, and what a viewer may."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client
from playwright.sync_api import BrowserContext, Page, expect

from golive.models import GoLiveState
from governance.models import ReviewDecision
from regression.models import RegressionIncident
from regression.services import record_kpi, set_policy
from riskguard.models import RiskPolicy
from tests.riskguard.factories import go_live, reserved

# The database makes no difference to a page, and a browser takes its time.
pytestmark = [pytest.mark.sqlite, pytest.mark.xdist_group("browser")]
TRIPWIRE = {"domain": "WHOLESALE", "metric": "contract_rate"}


def sign_in(context: BrowserContext, site: str, *roles: str) -> None:
    user = User.objects.create_user("pat", password="correct horse battery", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=roles))
    client = Client()
    client.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": site}])


def drop() -> None:
    """Let the contract rate of WHOLESALE fall from 1 to 0, which trips its tripwire."""
    controls = {"window_events": 5, "baseline_events": 10, "min_events_to_enforce": 5, "enabled": True}
    set_policy(**TRIPWIRE, patch=controls, actor="ops", reason="tests")
    for number in range(15):
        record_kpi(**TRIPWIRE, success=number < 10, actor="bot")


def deal(site: str) -> int:
    """Ask for a deal as an engine does, and return the status."""
    body = json.dumps({"title": "a deal", "amount": 1_000}).encode()
    request = urllib.request.Request(  # noqa: S310 -- our own server
        f"{site}/api/deals", body, {"Content-Type": "application/json", "Accept": "application/json"}
    )
    try:
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code


def act(page: Page, button: str, reason: str = "") -> None:
    """Press the submit button of the form that is open, with a reason; its answer is a message."""
    if reason:
        page.get_by_label("Reason").fill(reason)
    page.locator("#act-form").get_by_role("button", name=button).click()
    expect(page.get_by_text("Applied:")).to_be_visible()


def drawn(page: Page) -> list[str]:
    """Return the lines of the page's plot, and the kinds of marks on it."""
    found: list[str] = page.evaluate("""() => {
        const chart = Chart.getChart(document.querySelector(".vh-series canvas"));
        const marks = Object.keys(chart.options.plugins.annotation.annotations).map((name) => name.split("-")[0]);
        return [...chart.data.datasets.map((line) => line.label), ...new Set(marks.sort())];
    }""")
    return found


def test_the_whole_of_a_bad_day(page: Page, context: BrowserContext, site: str) -> None:
    sign_in(context, site, "operator")
    go_live()
    drop()
    assert deal(site) == 403

    page.goto("/admin/")
    expect(page.get_by_role("link", name="WHOLESALE/contract_rate is triggered")).to_be_visible()
    page.get_by_role("link", name="WHOLESALE contract_rate", exact=False).first.click()
    page.get_by_role("link", name="Acknowledge").click()
    act(page, "Acknowledge", "I am on it")

    page.get_by_role("link", name="Look at the plot").click()
    expect(page.get_by_role("img", name="WHOLESALE contract_rate")).to_be_visible()
    assert drawn(page) == ["Mean of the last 5", "Baseline", "Threshold 0.2", "baseline", "current", "trip"]
    expect(page.get_by_text("1.000 fell to 0.000, a drop of 1.000 against 0.2")).to_be_visible()

    page.goto("/admin/")
    page.get_by_role("link", name="Enable WHOLESALE").click()
    page.get_by_label("Reason").fill("too early")
    page.locator("#act-form").get_by_role("button").click()
    expect(page.get_by_text("Re-arm the tripwire first").first).to_be_visible()

    page.goto("/admin/")
    page.locator("#panel-regression").get_by_role("link", name="Look at the plot").click()
    page.get_by_role("link", name="Re-arm WHOLESALE/contract_rate").first.click()
    expect(page.get_by_text("It watches again from this moment on")).to_be_visible()
    act(page, "Re-arm", "the price feed is mended")
    assert "armed" in drawn(page)
    page.get_by_role("link", name="Enable WHOLESALE").click()
    expect(page.get_by_text("WHOLESALE may reserve again")).to_be_visible()
    act(page, "Change a risk policy", "mended and watched")
    page.get_by_role("link", name="Resolve").click()
    act(page, "Resolve", "a stale price feed")

    page.goto("/admin/")
    expect(page.get_by_text("No incident is open.")).to_be_visible()
    assert deal(site) == 201
    assert RiskPolicy.objects.get(engine="WHOLESALE").reason == "mended and watched"
    assert RegressionIncident.objects.get().acknowledged_by == "pat"

    page.goto("/admin/review/")
    expect(page.get_by_role("row", name="Tripwires triggered 1 0")).to_be_visible()
    expect(page.get_by_role("img", name="WHOLESALE contract_rate: rate, baseline and threshold")).to_be_visible()
    expect(page.get_by_role("row", name="WHOLESALE contract_rate THROTTLE").get_by_text("resolved")).to_be_visible()


def test_the_kill_switch_stops_another_client_in_two_clicks_and_its_release_lets_it_go_on(
    page: Page, context: BrowserContext, site: str
) -> None:
    sign_in(context, site, "operator")
    go_live()
    assert deal(site) == 201
    page.goto("/admin/riskguard/riskpolicy/")
    page.get_by_role("link", name="Kill switch").click()
    page.get_by_role("button", name="Engage the kill switch").click()
    expect(page.get_by_text("Applied:")).to_be_visible()
    assert deal(site) == 403
    page.get_by_role("link", name="Release").first.click()
    act(page, "Release the kill switch", "a drill")
    assert deal(site) == 201


def test_a_viewer_is_shown_no_button_and_refused_each_form(page: Page, context: BrowserContext, site: str) -> None:
    sign_in(context, site, "viewer")
    go_live()
    drop()
    page.goto("/admin/")
    expect(page.get_by_text("WHOLESALE/contract_rate is triggered")).to_be_visible()
    assert page.locator("a[href*='/admin/act/']").count() == 0
    for action in ("kill_switch.engage", "risk.policy.set/WHOLESALE", "regression.rearm/WHOLESALE/contract_rate"):
        answer = page.goto(f"/admin/act/{action}/")
        assert answer is not None
        assert answer.status == 403
    expect(page.get_by_text("You may not do this")).to_be_visible()
    assert not GoLiveState.objects.get().kill_switch_engaged


def test_a_plot_goes_closer_where_it_is_dragged_over_and_a_preview_is_drawn_into_it(
    page: Page, context: BrowserContext, site: str
) -> None:
    sign_in(context, site, "viewer")
    drop()
    page.goto("/admin/tripwires/WHOLESALE/contract_rate/")
    plot = page.locator(".vh-series canvas")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    whole = page.evaluate("Chart.getChart(document.querySelector('.vh-series canvas')).scales.x.min")
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.95, box["y"] + 120, steps=5)
    page.mouse.up()
    page.wait_for_function(f"Chart.getChart(document.querySelector('.vh-series canvas')).scales.x.min > {whole} + 3")
    page.get_by_role("button", name="Load what is in view").click()
    page.wait_for_url("**/?from=*&to=*")

    page.goto("/admin/tripwires/WHOLESALE/contract_rate/")
    page.get_by_label("Triggers at a drop of").fill("0.5")
    page.get_by_label("Detector").select_option("WINDOW")
    page.get_by_label("Detector").press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Looked at 15 events")).to_be_visible()
    assert "WINDOW 0.5 would trip" in drawn(page)


def test_what_a_change_does_is_told_while_a_person_types(page: Page, context: BrowserContext, site: str) -> None:
    sign_in(context, site, "operator")
    page.goto("/admin/act/risk.policy.set/CAPITAL/")
    page.get_by_label("Max daily exposure").fill("1250.50")
    expect(page.get_by_text("this allows 500.50 USD more today")).to_be_visible()
    page.get_by_label("Max daily exposure").fill("-1")
    expect(page.locator("#effect").get_by_text("Must not be negative")).to_be_visible()
    assert RiskPolicy.objects.get(engine="CAPITAL").max_daily_exposure == 75_000


def test_the_review_is_drawn_and_decided_by_the_keyboard_alone(page: Page, context: BrowserContext, site: str) -> None:
    sign_in(context, site, "operator")
    go_live()
    drop()
    page.goto("/admin/review/")
    drawn = page.evaluate("Object.values(Chart.instances).map(chart => chart.getDatasetMeta(0).data.length)")
    assert len(drawn) == page.locator("canvas.chart").count() > 1
    assert min(drawn) > 0
    page.get_by_role("link", name="Decide").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="What does this review find?")).to_be_in_viewport()
    page.keyboard.press("Tab")
    page.keyboard.type("the feed was stale, and is mended")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name="Watch")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Applied: Record the review")).to_be_visible()
    expect(page.get_by_role("cell", name="the feed was stale, and is mended")).to_be_visible()
    assert ReviewDecision.objects.get().verdict == "WATCH"


def test_the_control_plane_refreshes_itself_and_keeps_the_focus(page: Page, context: BrowserContext, site: str) -> None:
    sign_in(context, site, "operator")
    # Ten seconds pass in half of one. Playwright's clock would stay with the window, which the tests share.
    page.add_init_script("const wait = setTimeout; setTimeout = (call, after) => wait(call, after / 20)")
    page.goto("/admin/")
    throttle = page.get_by_role("link", name="Throttle CAPITAL")
    throttle.focus()
    reserved_before = page.get_by_text("123.45 of 750.00 USD")
    expect(reserved_before).to_have_count(0)
    go_live()
    reserved("CAPITAL", 12_345)
    expect(reserved_before.first).to_be_visible()
    expect(throttle).to_be_focused()
