"""The review's page: last week against the week before, plots with their figures, and the decision that it ends in."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from governance import clock
from governance.models import AuditEvent, ReviewDecision
from tests.console.test_control_plane import shown
from tests.governance.factories import ReviewDecisionFactory
from tests.heimdall.factories import ScorecardFactory
from tests.regression.factories import record, tripped
from tests.riskguard.factories import go_live, reserve, reserved

# What a page says and asks for is the same on every database: such a test runs on one.
pytestmark = pytest.mark.django_db
PAGE = "/admin/review/"


def test_it_answers_what_broke_what_was_denied_and_what_drifted_with_plots_whose_figures_stand_below(
    viewer: Client,
) -> None:
    go_live()
    tripped("WHOLESALE")
    reserved("CAPITAL", 12_345)
    reserve("NOBODY")
    ScorecardFactory(domain="BUYER_MATCH", trials=10, successes=8)
    html = shown(viewer, PAGE)
    for question in ("What broke", "What was denied", "What drifted"):
        assert question in html
    assert '<th scope="row">Tripwires triggered</th><td>1</td><td>0</td>' in html
    assert '<th scope="row">Reservations refused</th><td>1</td><td>0</td>' in html
    assert '<th scope="row">BUYER_MATCH success rate</th><td>0.800 (0.490 to 0.943)</td><td>no trial</td>' in html
    assert '<th scope="row">WHOLESALE signed</th>' in html
    assert (
        '<a class="vh-tone-bad" href="#section-regression">Regression tripwire: WHOLESALE/signed is triggered' in html
    )
    titles = (
        "GLOBAL: exposure against its cap by day",
        "CAPITAL: exposure against its cap by day",
        "Refused reservations by reason",
        "WHOLESALE signed: rate, baseline and threshold",
        "BUYER_MATCH: success rate of the sandbox by day",
    )
    for title in titles:
        assert f'aria-label="{title}. Its figures stand below."' in html
    assert html.count('<canvas class="chart"') == html.count("vh-summary") == len(titles)
    assert "123.45</td>" in html
    assert "Wilson (1927)" in html


@pytest.mark.sqlite
def test_an_operator_ends_it_with_a_decision_and_a_note_that_past_reviews_show(operator: Client) -> None:
    html = shown(operator, PAGE)
    assert "No review has been recorded yet." in html
    form = {"seen": html.split('name="seen" value="')[1].split('"')[0], "verdict": "WATCH"}
    answer = operator.post(f"/admin/act/review.decide/?next={PAGE}", form)
    assert answer.status_code == 200
    assert "This field is required" in answer.content.decode()
    assert not ReviewDecision.objects.exists()
    form["reason"] = "the feed is slow"
    answer = operator.post(f"/admin/act/review.decide/?next={PAGE}", form)
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    html = shown(operator, PAGE)
    assert "Applied: Record the review" in html
    assert "The last review found" in html
    assert '<td data-label="Note">the feed is slow</td>' in html
    decided = ReviewDecision.objects.get()
    assert (decided.verdict, decided.decided_by) == ("WATCH", "jo")
    assert AuditEvent.objects.get(action="review.decide").via == "console"
    assert shown(operator, f"/admin/governance/reviewdecision/{decided.pk}/change/")
    # The next one may find the same.
    form["seen"] = html.split('name="seen" value="')[1].split('"')[0]
    operator.post("/admin/act/review.decide/", form)
    assert ReviewDecision.objects.count() == 2


@pytest.mark.sqlite
def test_a_viewer_reads_it_and_is_offered_no_decision(viewer: Client) -> None:
    html = shown(viewer, PAGE)
    assert "/admin/act/" not in html
    assert "An operator records what it finds" in html
    assert viewer.post("/admin/act/review.decide/", {"verdict": "HEALTHY", "reason": "x"}).status_code == 403
    assert not ReviewDecision.objects.exists()


@pytest.mark.sqlite
def test_eight_past_reviews_are_listed_the_newest_first_and_the_others_are_a_page_away(viewer: Client) -> None:
    for number in range(8):
        ReviewDecisionFactory(note=f"note {number}.")
    html = shown(viewer, PAGE)
    assert html.index("note 7.") < html.index("note 0.")
    assert "Older reviews" not in html
    ReviewDecisionFactory(note="note 8.")
    html = shown(viewer, PAGE)
    assert "note 0." not in html
    assert "Older reviews" in html


@pytest.mark.sqlite
def test_the_page_asks_as_many_queries_with_a_history_as_without(operator: Client) -> None:
    go_live()
    tripped("WHOLESALE")
    counts = []
    for more in (1, 12):
        for _ in range(more):
            reserve("CAPITAL", 100)
            reserve("NOBODY", 100)
            record("SF", domain="WHOLESALE")
            ReviewDecisionFactory()
        with CaptureQueriesContext(connection) as seen:
            shown(operator, PAGE)
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.sqlite
def test_it_is_of_the_last_seven_days_or_of_any_week_from_monday_to_monday(operator: Client) -> None:
    wednesday = dt.datetime(2026, 11, 25, 15, tzinfo=dt.UTC)
    with clock.at(wednesday - dt.timedelta(days=9)):
        go_live()
        tripped("WHOLESALE")
    with clock.at(wednesday):
        html = shown(operator, PAGE)
        assert "2026-11-18 15:00 to 2026-11-25 15:00 UTC, against 2026-11-11 15:00 to 2026-11-18 15:00." in html
        for label, week, span in (
            ("This week", "2026-11-23", "2026-11-23 00:00 to 2026-11-25 15:00 UTC, against 2026-11-20 09:00"),
            ("Last week", "2026-11-16", "2026-11-16 00:00 to 2026-11-23 00:00 UTC, against 2026-11-09 00:00"),
        ):
            assert f'href="{PAGE}?week={week}">{label}</a>' in html
            assert span in shown(operator, f"{PAGE}?week={week}")
        week = shown(operator, f"{PAGE}?week=2026-11-18")
    assert '<a class="vh-button vh-button-primary" href="/admin/review/?week=2026-11-16" aria-current="page">' in week
    assert 'name="week" required value="2026-11-16"' in week
    assert '<th scope="row">Tripwires triggered</th><td>1</td><td>0</td>' in week
    # The decision is of the last seven days.
    assert "A decision ends the review of the last seven days" in week
    assert 'name="verdict"' not in week


@pytest.mark.sqlite
def test_a_week_that_cannot_be_is_said_and_the_last_seven_days_are_shown(viewer: Client) -> None:
    html = shown(viewer, f"{PAGE}?week=<b>")
    assert "Must be a day" in html
    assert 'aria-invalid="true"' in html
    assert "The last seven days are shown." in html
    for week in ("soon", "2026-02-30", "9999-12-31", "0001-01-01", "<b>"):
        answer = viewer.get("/api/governance/review", {"week": week})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["week"])


def test_the_api_takes_the_same_week(viewer: Client) -> None:
    told = viewer.get("/api/governance/review", {"week": "2026-11-18"}).json()
    assert (told["from"], told["to"]) == ("2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z")
