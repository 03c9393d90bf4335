from __future__ import annotations

import datetime as dt
import json

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance import clock, ending
from governance.changes import submit
from governance.console import figures
from governance.models import AuditEvent
from riskguard.models import RiskPolicy
from tests.console.conftest import SignedIn
from tests.console.forms import fill
from tests.regression.factories import tripped
from tests.riskguard.factories import policy

# What a page says and asks for is the same on every database: such a test runs on one.
pytestmark = pytest.mark.django_db
HISTORY = "/admin/history/risk.policy.set/WHOLESALE/"


def page(browser: Client, address: str = HISTORY) -> str:
    response = browser.get(address)
    assert response.status_code == 200
    return response.content.decode()


def change(reason: str = "tests", **patch: object) -> None:
    submit(action="risk.policy.set", target="WHOLESALE", patch=patch, actor="jo", reason=reason)


def test_each_change_is_told_with_its_diff_the_newest_first(operator: Client) -> None:
    change(max_daily_loss=100, reason="first")
    change(max_daily_loss=None, enabled=False, reason="second")
    html = page(operator)
    for told in ("200.00 USD", "100.00 USD", "no limit", "by <strong>jo</strong>"):
        assert told in html
    assert html.index("second") < html.index("first")


@pytest.mark.sqlite
def test_a_revert_opens_the_form_with_what_stood_before_and_submits_like_any_change(operator: Client) -> None:
    change(max_daily_loss=100, max_actions_per_day=7)
    entry = operator.get(HISTORY).context["entries"][0]
    assert entry.revert == '{"max_daily_loss": 200, "max_actions_per_day": null}'
    link = next(part for part in page(operator).split('"') if part.startswith("/admin/act/risk.policy.set/WHOLESALE/?"))
    assert fill(operator, link.replace("&amp;", "&"), reason="back").status_code == 302
    row = RiskPolicy.objects.get(engine="WHOLESALE")
    assert (row.max_daily_loss, row.max_actions_per_day) == (20_000, None)
    event = AuditEvent.objects.latest("pk")
    assert (event.actor, event.reason, event.via) == ("jo", "back", "console")


@pytest.mark.sqlite
def test_an_end_that_is_over_is_not_reverted_to(operator: Client) -> None:
    noon = clock.now().replace(second=0, microsecond=0) - dt.timedelta(days=1)
    with clock.at(noon):
        change(max_daily_loss=900, until=(noon + dt.timedelta(hours=1)).isoformat())
    ending.end_all()
    entry, first = operator.get(HISTORY).context["entries"][:2]
    assert ("Until", figures.NO_END, figures.moment(noon + dt.timedelta(hours=1))) in first.rows
    assert ("Falls back to", "", "max daily loss 200") in first.rows
    assert (entry.event.actor, json.loads(entry.revert)) == ("end_overrides", {"max_daily_loss": 900, "until": None})


@pytest.mark.sqlite
def test_what_was_proposed_or_refused_is_told_and_offers_no_way_back(operator: Client, settings: LazySettings) -> None:
    tripped("WHOLESALE")
    change(enabled=True, reason="too early")
    settings.FOUR_EYES = True
    change(max_daily_loss=900, reason="the fair")
    entries = operator.get(HISTORY).context["entries"]
    assert [(entry.event.outcome, bool(entry.revert)) for entry in entries[:2]] == [
        ("PROPOSED", False),
        ("REFUSED", False),
    ]
    assert "/admin/changes/" in page(operator)


def test_the_history_is_the_targets_own(operator: Client) -> None:
    policy("CAPITAL", max_daily_loss=1)
    assert "Nobody has changed this" in page(operator)


@pytest.mark.sqlite
def test_a_long_history_is_told_in_pages_of_as_many_queries(operator: Client) -> None:
    counts = []
    for more in (2, 51):
        for _ in range(more):
            policy("WHOLESALE", max_daily_loss=1)
        with CaptureQueriesContext(connection) as seen:
            html = page(operator)
        counts.append(len(seen))
    assert counts[0] == counts[1]
    older = operator.get(HISTORY).context["older"]
    assert f"?before={older}" in html
    assert len(operator.get(HISTORY, {"before": older}).context["entries"]) == 3
    assert operator.get(HISTORY, {"before": "x"}).status_code == 200


@pytest.mark.sqlite
def test_it_is_offered_beside_the_changes_to_whom_may_read_the_trail(operator: Client, signed_in: SignedIn) -> None:
    row = RiskPolicy.objects.get(engine="WHOLESALE")
    detail = f"/admin/riskguard/riskpolicy/{row.pk}/change/"
    viewer = signed_in("viewer", name="vi")
    assert HISTORY in page(operator, detail)
    assert HISTORY not in page(viewer, detail)
    assert viewer.get(HISTORY).status_code == 403
    assert "History of" in page(operator, "/admin/history/go_live.enable/")
    assert operator.get("/admin/history/no.such/").status_code == 404
