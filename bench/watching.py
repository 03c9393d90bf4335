"""(j) A tripwire's page in the console, its preview with it, over few and over many events of its own."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from bench import history
from bench.report import Part, Target
from bench.rounds import Figures, interleaved
from bench.stage import ENGINE, METRIC, Stage
from bench.timing import timed

SIZES = (10**4, 10**6)
HOUR = dt.timedelta(hours=1)
PAGES = {
    "the newest events": "",
    "an hour": "?from={hour}",
    "all": "?from=1970-01-01T00:00:00",
    "a preview": "?max_drop=0.1&detector=WINDOW",
}


def measure(stage: Stage) -> Part:
    """Ask for the page, by the console's own client, of databases that hold so many events of one tripwire."""
    for size in SIZES:
        stage.copy(_name(size))
        with stage.on(_name(size)):
            history.fill("kpi_event", size)
    cases = {
        f"{page}, {size:,}": partial(_shown, stage, size, query) for page, query in PAGES.items() for size in SIZES
    }
    measured = interleaved(cases)
    rows, targets = [], []
    for page in PAGES:
        few, many = (f"{page}, {size:,}" for size in SIZES)
        rows.append([page, *(f"{measured.median(case, 'milliseconds'):.0f}" for case in (few, many))])
        ratio = measured.ratio(many, few, "milliseconds")
        targets.append(
            Target(f"a tripwire's page ({page}) at {SIZES[1]:,} events to {SIZES[0]:,}", ratio, 2, most=True)
        )
    return Part("(j) A tripwire's page", ["shows", *(f"ms at {size:,} events" for size in SIZES)], rows, targets)


def _shown(stage: Stage, size: int, query: str) -> Figures:
    from django.contrib.auth.models import User  # noqa: PLC0415 -- Django must be set up first
    from django.test import Client  # noqa: PLC0415

    from governance import clock  # noqa: PLC0415

    with stage.on(_name(size)):
        person, _made = User.objects.get_or_create(username="onlooker", is_staff=True, is_superuser=True)
        browser = Client(SERVER_NAME="localhost")
        browser.force_login(person)
        hour = f"{clock.now() - HOUR:%Y-%m-%dT%H:%M:%S}"
        address = f"/admin/tripwires/{ENGINE}/{METRIC}/{query.format(hour=hour)}"

        def ask() -> Any:
            answer = browser.get(address)
            assert answer.status_code == 200
            return answer

        return timed(ask)


def _name(size: int) -> str:
    return f"watched_{size}"
