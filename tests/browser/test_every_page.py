"""Every page of the console is seen once: it keeps to the security policy, fits a phone and bars nobody.

A page that breaks the content security policy logs a console error, which fails its test, as does every other error
and a request that leaves the host.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import Page, Response, ViewportSize, expect

from governance import clock
from governance.changes import Pending, submit
from governance.models import ChangeRequest
from riskguard.models import RiskPolicy
from tests.browser.test_console import drop
from tests.heimdall.factories import RecommendationFactory

# The database makes no difference to a page, and a browser takes its time.
pytestmark = [pytest.mark.sqlite, pytest.mark.xdist_group("browser")]
AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
# Known to each page, read where one is judged. What passes is not told, which takes longer than to find it.
JUDGE = f"""globalThis.judge = async (part, options) => {{
    globalThis.axe ?? (() => {{ {AXE} }})();
    const moving = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < Infinity);
    moving.forEach((one) => one.finish());
    const found = await axe.run(part, {{ resultTypes: ["violations"], ...options }});
    const barring = found.violations.filter((rule) => ["serious", "critical"].includes(rule.impact));
    return barring.map((rule) => [rule.id, ...rule.nodes.map((node) => node.html.slice(0, 200))]);
}};"""
# Unfold asks for the scheme where its switch is turned.
TURN = """async () => {
    if (!globalThis.Alpine) return;
    for (const theme of ["light", "auto"]) Alpine.$data(document.documentElement).switchTheme(theme);
    await Alpine.nextTick();
    if (!document.documentElement.matches(".dark")) throw new Error("the page stays light");
}"""
# A model's page within the one that is open, whose parser holds it to the same policy: Unfold's scripts and axe take
# longer to start than to do their work, and are the same for all of them. Axe would read the sidebar, which a phone
# does not show, each time.
SHOW = """async (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    document.title = page.title;
    document.querySelector("#main").outerHTML = page.querySelector("#main").outerHTML;
    document.querySelectorAll("#page > :not(#main)").forEach((other) => other.remove());
    await Alpine.nextTick();
}"""
MAIN = "#main"  # the sidebar beside it is that of every page
COLOURS = ["color-contrast", "link-in-text-block"]
NO_COLOURS = {"rules": {rule: {"enabled": False} for rule in COLOURS}}
COLOURS_ALONE = {"runOnly": COLOURS}
WIDE: ViewportSize = {"width": 1280, "height": 844}
PHONE: ViewportSize = {"width": 390, "height": 844}


def fill() -> ChangeRequest:
    """Leave something on every page: a triggered tripwire, judged recommendations, a change that waits: return it."""
    drop()
    for number in range(30):
        told = {"outcome": number % 9 > 0, "outcome_at": clock.now(), "outcome_by": "bot"}
        RecommendationFactory(
            domain="WHOLESALE_OFFER", confidence=0.93 + number % 3 / 50, authorized_at=clock.now(),
            authorized_by="bot", **told,
        )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settings, "FOUR_EYES", True)
        waits = submit(
            action="risk.policy.set", target="CAPITAL", patch={"max_daily_loss": 900}, actor="jo", reason="the fair"
        )
    assert isinstance(waits, Pending)
    return waits.change


def lists() -> Iterator[str]:
    """Name the list of each model."""
    for model in admin.site._registry:
        yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def rows() -> Iterator[str]:
    """Name the page of each model's first row."""
    for model in admin.site._registry:
        row = model._default_manager.order_by("pk").first()
        if row is not None:
            yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])


def visit(page: Page, path: str, status: int = 200) -> Response:
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == status, path
    assert "content-security-policy" in answer.headers
    return answer


def bars_nobody(page: Page, path: str, part: str | None = None, options: dict[str, Any] | None = None) -> None:
    """See that axe finds nothing serious or critical on the open page or a part of it, and nothing is past its edge."""
    assert page.evaluate("([part, options]) => judge(part ?? document, options)", [part, options]) == [], path
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path


def walk(page: Page, path: str, part: str | None = None, status: int = 200) -> None:
    """Open a page on a phone, show it on a laptop, and there at night: for the rest it is the same page in the dark.

    Nothing is on a phone alone but the sidebar's button, whose colours the models' pages are judged with.
    """
    page.set_viewport_size(PHONE)
    visit(page, path, status)
    bars_nobody(page, path, part, NO_COLOURS)
    page.set_viewport_size(WIDE)
    bars_nobody(page, path, part)
    page.emulate_media(color_scheme="dark")
    page.evaluate(TURN)
    bars_nobody(page, path, part, COLOURS_ALONE)
    page.emulate_media(color_scheme="light")


@pytest.fixture
def judged(page: Page) -> Page:
    page.add_init_script(JUDGE)
    return page


def test_no_page_of_its_own_bars_anybody(judged: Page, signed_in: User) -> None:
    waits = fill()
    policy = RiskPolicy.objects.get(engine="WHOLESALE")
    walk(judged, "/admin/")
    for path in (
        "/admin/act/risk.policy.set/WHOLESALE/",
        "/admin/act/risk.policy.set/",
        "/admin/act/kill_switch.engage/",
        f"/admin/changes/{waits.pk}/",
        "/admin/review/",
        "/admin/heimdall/what-if/",
        "/admin/heimdall/calibration/",
        "/admin/tripwires/WHOLESALE/contract_rate/?max_drop=0.5&detector=WINDOW",
        "/admin/password_change/",
        # Of the models' pages, which are alike, these in every look.
        "/admin/riskguard/riskpolicy/",
        f"/admin/riskguard/riskpolicy/{policy.pk}/change/",
        "/admin/governance/auditevent/",
    ):
        walk(judged, path, MAIN)


def test_no_page_of_a_model_bars_anybody(page: Page, signed_in: User) -> None:
    fill()
    page.set_viewport_size(PHONE)
    # Each list has filters of its own, whose scripts must run; what axe judges it finds quicker in a page that is open.
    found = {path: visit(page, path).text() for path in lists()}
    for path in rows():
        answer = page.request.get(path)
        assert answer.status == 200, path
        found[path] = answer.text()
    page.evaluate(f"() => {{ {JUDGE} }}")
    for path, text in found.items():
        page.evaluate(SHOW, text)
        bars_nobody(page, path, MAIN)


def test_signing_in_bars_nobody(judged: Page, site: str) -> None:
    User.objects.create_superuser("jo", password="correct horse battery")
    walk(judged, "/admin/")
    judged.fill("[name=username]", "jo")
    judged.fill("[name=password]", "correct horse battery")
    judged.press("[name=password]", "Enter")
    expect(judged).to_have_url(f"{site}/admin/")


def test_a_refusal_bars_nobody(judged: Page) -> None:
    walk(judged, "/nothing/here", status=403)
