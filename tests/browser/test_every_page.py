"""Every page of the console is seen once: it keeps to the security policy, fits a phone and bars nobody.

A page that breaks the content security policy logs a console error, which fails its test, as does every other error
and a request that leaves the host.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client
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
FITS = "document.documentElement.scrollWidth <= window.innerWidth"
# Known to each page, read where one is judged. What passes is not told, which takes longer than to find it, and no rule
# is asked whose findings are moderate or minor, or that is an experiment of axe's.
# Words that hang on the same classes from the page down have the same colours on every page of a window: contrast,
# which is most of the work, is judged for the first two of them, since rows are striped.
JUDGE = f"""globalThis.judge = async (part, asked) => {{
    globalThis.axe ?? (() => {{ {AXE} }})();
    const moving = document.getAnimations().filter((one) => one.effect.getComputedTiming().endTime < Infinity);
    moving.forEach((one) => one.finish());
    const colours = ["color-contrast", "link-in-text-block"];
    const barring = (rule) => rule.enabled && ["serious", "critical"].includes(rule.impact);
    const asks = (rule) => barring(rule) && !rule.tags.includes("experimental") && !colours.includes(rule.id);
    const others = axe._audit.rules.filter(asks).map((rule) => rule.id);
    const run = async (include, runOnly) => {{
        const found = await axe.run({{ include }}, {{ runOnly, resultTypes: ["violations"] }});
        return found.violations.map((rule) => [rule.id, ...rule.nodes.map((node) => node.html.slice(0, 200))]);
    }};
    const found = asked.includes("others") ? await run([part], others) : [];
    const looks = asked.includes("colours") ? fresh(document.querySelector(part)) : [];
    if (looks.length) found.push(...await run(looks, colours));
    return {FITS} ? found : [...found, "something is past the edge"];
}};
globalThis.fresh = (part) => {{
    const seen = JSON.parse(sessionStorage.seen ?? "{{}}");
    const known = new Map([[null, 0]]);
    const look = (node) => {{
        if (!known.has(node)) {{
            const own = node.tagName + node.getAttribute("class") + node.getAttribute("style");
            const add = (sum, letter) => sum * 31 + letter.charCodeAt() | 0;
            known.set(node, [...own].reduce(add, look(node.parentElement)));
        }}
        return known.get(node);
    }};
    const says = (node) => node.nodeType === Node.TEXT_NODE && node.data.trim();
    const found = [...part.querySelectorAll("*")].filter((node) => {{
        if (![...node.childNodes].some(says) && !node.matches("input, select, textarea")) return false;
        if (!node.checkVisibility({{ visibilityProperty: true, opacityProperty: true }})) return false;
        const kind = look(node) + node.getAttributeNames().join();
        seen[kind] = (seen[kind] ?? 0) + 1;
        return seen[kind] <= 2;
    }});
    sessionStorage.seen = JSON.stringify(seen);
    return found;
}};"""
# Unfold asks for the scheme where its switch is turned.
TURN = """async (scheme) => {
    if (!globalThis.Alpine) return;
    for (const theme of ["light", "auto"]) Alpine.$data(document.documentElement).switchTheme(theme);
    await Alpine.nextTick();
    const shown = document.documentElement.matches(".dark") ? "dark" : "light";
    if (shown !== scheme) throw new Error(`the page stays ${shown}`);
}"""
# A page within the one that is open, whose parser holds it to the same policy: Unfold's scripts and axe take longer to
# start than to do their work, and are the same for all of them. Axe would read the sidebar, which is that of every
# page, each time. What a form shows first is known to the page around it.
SHOW = """async (text) => {
    const page = new DOMParser().parseFromString(text, "text/html");
    document.title = page.title;
    document.querySelector("#main").outerHTML = page.querySelector("#main").outerHTML;
    document.querySelectorAll("#page > :not(#main)").forEach((other) => other.remove());
    Alpine.$data(document.body).activeTab = "general";
    await Alpine.nextTick();
    const fields = [...document.querySelectorAll("#main fieldset")];
    if (!fields.every((one) => one.checkVisibility())) throw new Error("fields stay hidden");
}"""
# What the scripts of a page have to do with: those it loads, and the kinds of its fields. The models' pages are opened,
# for their scripts to run, once for each set of these.
KIND = re.compile(r'<(?:script|link)\b[^>]*>|<(?:input|select|textarea)\b|\btype="\w+"')
PAGE = "html"
MAIN = "#main"
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


def bars_nobody(page: Page, path: str, part: str = PAGE, asked: str = "others, colours") -> None:
    """See that axe finds nothing serious or critical on the open page or a part of it, and nothing is past its edge."""
    assert page.evaluate("([part, asked]) => judge(part, asked)", [part, asked]) == [], path


def turn(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    page.evaluate(TURN, scheme)


def walk(page: Page, path: str, status: int = 200) -> None:
    """Open a page on a phone, show it on a laptop, and there at night: for the rest it is the same page in the dark."""
    page.set_viewport_size(PHONE)
    visit(page, path, status)
    bars_nobody(page, path)
    page.set_viewport_size(WIDE)
    bars_nobody(page, path)
    turn(page, "dark")
    bars_nobody(page, path, asked="colours")
    turn(page, "light")


@pytest.fixture
def judged(page: Page) -> Page:
    page.add_init_script(JUDGE)
    return page


def own(waits: ChangeRequest) -> tuple[str, ...]:
    """Name the pages that are like no other; of the models' pages, which are alike, some."""
    policy = RiskPolicy.objects.get(engine="WHOLESALE")
    return (
        "/admin/act/risk.policy.set/WHOLESALE/",
        "/admin/act/risk.policy.set/",
        "/admin/act/kill_switch.engage/",
        f"/admin/changes/{waits.pk}/",
        "/admin/review/",
        "/admin/heimdall/what-if/",
        "/admin/heimdall/calibration/",
        "/admin/tripwires/WHOLESALE/contract_rate/?max_drop=0.5&detector=WINDOW",
        "/admin/password_change/",
        "/admin/riskguard/riskpolicy/",
        f"/admin/riskguard/riskpolicy/{policy.pk}/change/",
        "/admin/governance/auditevent/",
    )


def test_no_page_bars_anybody(judged: Page, signed_in: User, client: Client) -> None:
    own_pages = own(fill())
    judged.set_viewport_size(PHONE)
    found: dict[str, str] = {}

    def opened(path: str) -> str:
        answer = visit(judged, path)
        assert judged.evaluate(FITS), path
        return answer.text()

    for path in own_pages:
        found[path] = opened(path)
    kinds = {frozenset(KIND.findall(text)) for text in found.values()}
    client.force_login(signed_in)
    for path in (*lists(), *rows()):
        found[path] = client.get(path, follow=True).content.decode()
        kind = frozenset(KIND.findall(found[path]))
        if kind not in kinds:
            kinds.add(kind)
            opened(path)
    walk(judged, "/admin/")

    def show(paths: Iterable[str], asked: str) -> None:
        for path in paths:
            judged.evaluate(SHOW, found[path])
            bars_nobody(judged, path, MAIN, asked)

    show(own_pages, "others, colours")
    turn(judged, "dark")
    show(own_pages, "colours")
    turn(judged, "light")
    judged.set_viewport_size(PHONE)
    show(found, "others, colours")


def test_signing_in_bars_nobody(judged: Page, site: str) -> None:
    User.objects.create_superuser("jo", password="correct horse battery")
    walk(judged, "/admin/")
    judged.fill("[name=username]", "jo")
    judged.fill("[name=password]", "correct horse battery")
    judged.press("[name=password]", "Enter")
    expect(judged).to_have_url(f"{site}/admin/")


def test_a_refusal_bars_nobody(judged: Page) -> None:
    walk(judged, "/nothing/here", status=403)
