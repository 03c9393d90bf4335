"""(h) Every list and page of the console, with few and with many rows in every table that grows."""

from __future__ import annotations

import datetime as dt
import re
import statistics
import time
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from bench import history
from bench.report import Part, Target
from bench.rounds import Figures, interleaved
from bench.stage import Stage

if TYPE_CHECKING:
    from django.test import Client

SIZES = (10**4, 10**6)
TIMES = 1
GROWING = (
    "risk_event", "heimdall_event", "kpi_event", "audit_event", "risk_reservation", "heimdall_recommendation", "deal",
)  # fmt: skip
# What no index finds: each makes its list look through as many rows as it ever does.
NARROWED = {
    "riskguard/riskevent": ({"actor": "nobody"}, {"engine": "NOTIFY"}, {"reason": "busy"}, {"q": "nothing"}),
    "riskguard/riskreservation": ({"status__exact": "OPEN"}, {"actor": "nobody"}, {"needs_review__exact": "1"}),
    "heimdall/heimdallevent": ({"domain": "NONE"}, {"kind__exact": "AUTHORIZE"}, {"kind__exact": "DENY", "actor": "x"}),
    "heimdall/heimdallrecommendation": ({"prod_eligible__exact": "1"}, {"actor": "nobody"}),
    "regression/kpievent": ({"domain": "NONE"}, {"metric": "none"}, {"success__exact": "0"}, {"q": "7"}),
    "governance/auditevent": ({"via": "console"}, {"action": "none"}, {"q": "nothing"}),
    "deals/deal": ({"signed__exact": "1", "reservation_id": "1"},),
}


def measure(stage: Stage) -> Part:
    """Ask for each page of databases that hold so many rows in each table that grows."""
    for size in SIZES:
        stage.copy(_name(size))
        with stage.on(_name(size)):
            for table in GROWING:
                history.fill(table, size)
    few, many = map(_name, SIZES)
    measured = interleaved({_name(size): partial(_asked, stage, _name(size)) for size in SIZES})
    pages = measured.rounds[few][0]
    ratios = {page: measured.ratio(many, few, page) for page in pages}
    rows = [
        [f"`{page}`", f"{measured.median(few, page):.0f}", f"{measured.median(many, page):.0f}", f"{ratio:.2f}"]
        for page, ratio in sorted(ratios.items(), key=lambda told: -told[1])
    ]
    worst = max(ratios, key=lambda page: ratios[page])
    return Part(
        "(h) The console's pages",
        ["page", *(f"ms at {size:,} rows a table" for size in SIZES), "ratio"],
        rows,
        [
            Target(
                f"the slowest growing of {len(rows)} pages (`{worst}`), {SIZES[1]:,} rows to {SIZES[0]:,}",
                ratios[worst],
                2,
                most=True,
            )
        ],
    )


def _asked(stage: Stage, name: str) -> Figures:
    with stage.on(name):
        browser, pages = _browser(), _pages()
        # The databases number their rows differently, and a sign-in adds one to the trail.
        return {re.sub(r"/[0-9a-f]+/change/", "/(a row)/", page): _milliseconds(browser, page) for page in pages}


def _milliseconds(browser: Client, page: str) -> float:
    taken = []
    for _time in range(TIMES):
        began = time.perf_counter()
        answer = browser.get(f"/admin/{page}")
        taken.append(1e3 * (time.perf_counter() - began))
        if answer.status_code != 200:
            raise RuntimeError(f"{page} answered {answer.status_code}")
    return statistics.median(taken)


def _browser() -> Client:
    from django.contrib.auth.models import User  # noqa: PLC0415 -- Django must be set up first
    from django.test import Client  # noqa: PLC0415

    person, _created = User.objects.get_or_create(username="person", is_superuser=True, is_staff=True)
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(person)
    return browser


def _pages() -> list[str]:
    """Return the addresses, below the console's, of every list, of a row of each, and of the other pages."""
    from django.contrib import admin  # noqa: PLC0415

    day = (dt.datetime.now(dt.UTC) - dt.timedelta(days=7)).date().isoformat()
    pages = ["", "history/risk.policy.set/WHOLESALE/", "act/risk.policy.set/WHOLESALE/"]
    for model in admin.site._registry:
        address = f"{model._meta.app_label}/{model._meta.model_name}"
        pages.append(f"{address}/")
        row = model._default_manager.order_by("-pk").first()
        pages += [f"{address}/{row.pk}/change/"] if row is not None else []
        if address in NARROWED:
            asked = [*NARROWED[address], {"p": "100"}]
            asked += [] if address == "deals/deal" else [{"day_from": day, "day_to": day, "actor": "nobody"}]
            pages += [f"{address}/?{urlencode(each)}" for each in asked]
    return pages


def _name(size: int) -> str:
    return f"listed_{size}"
