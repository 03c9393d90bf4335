"""The decision in which a review ends: recorded once, by whom and when, with what stood, and never changed."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, connection, transaction
from rest_framework.test import APIClient

from governance import clock, register, review, verdicts
from governance.appendonly import AppendOnlyError
from governance.changes import Applied, submit
from governance.errors import Invalid
from governance.models import AuditEvent, ReviewDecision
from tests.access.factories import caller
from tests.governance.factories import ChangeRequestFactory, ReviewDecisionFactory

pytestmark = pytest.mark.django_db
PATH = "/api/governance/review/decisions"
NOON = dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC)


def decide(verdict: str = "WATCH", reason: str = "the feed is slow") -> ReviewDecision:
    outcome = submit(action=verdicts.DECIDE, target="", patch={"verdict": verdict}, actor="olga", reason=reason)
    assert isinstance(outcome, Applied)
    return outcome.result  # type: ignore[no-any-return]


def test_it_says_who_when_over_what_time_and_what_stood() -> None:
    change = ChangeRequestFactory()
    with clock.at(NOON):
        decided = decide()
    assert (decided.verdict, decided.note, decided.decided_by, decided.at) == (
        "WATCH",
        "the feed is slow",
        "olga",
        NOON,
    )
    assert (decided.period_start, decided.period_end) == (NOON - dt.timedelta(days=7), NOON)
    assert "Holds and changes: 1 change(s) wait for a second person" in decided.alarms
    assert change.pk


@pytest.mark.sqlite
def test_what_stood_is_what_the_review_names() -> None:
    ChangeRequestFactory()
    assert decide().alarms == review.control_plane(review.last_week())["alarms"] != []


def test_it_stands_in_the_trail() -> None:
    decided = decide("HEALTHY", "all is well")
    event = AuditEvent.objects.get(action="review.decide")
    assert (event.actor, event.reason, event.outcome) == ("olga", "all is well", "APPLIED")
    assert event.after is not None
    assert event.after["verdict"] == "HEALTHY"
    assert event.after["decision"] == decided.pk


@pytest.mark.sqlite
def test_four_eyes_lets_it_pass_since_it_loosens_nothing(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    assert decide().pk


@pytest.mark.parametrize(("patch", "reason", "field"), [
    ({"verdict": "FINE"}, "x", "verdict"),
    ({}, "x", "verdict"),
    ({"verdict": "HEALTHY"}, " ", "reason"),
    ({"verdict": "HEALTHY", "note": "x"}, "x", "note"),
])  # fmt: skip
def test_a_malformed_one_is_refused_and_leaves_nothing(patch: dict[str, str], reason: str, field: str) -> None:
    with pytest.raises(Invalid) as wrong:
        submit(action=verdicts.DECIDE, target="", patch=patch, actor="olga", reason=reason)
    assert field in wrong.value.errors
    assert not ReviewDecision.objects.exists()


def test_the_model_and_the_database_refuse_to_change_or_delete_it() -> None:
    decided = decide()
    decided.note = "another"
    with pytest.raises(AppendOnlyError):
        decided.save()
    with pytest.raises(AppendOnlyError):
        ReviewDecision.objects.update(note="another")
    for statement in ("UPDATE review_decision SET note = 'x'", "DELETE FROM review_decision"):
        with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert ReviewDecision.objects.get().note == "the feed is slow"


def test_a_lever_cannot_offer_an_action_of_its_name() -> None:
    spec = register.action(verdicts.DECIDE)
    other = next(lever for lever in register.levers())
    with pytest.raises(ValueError, match=r"review\.decide"):
        register.announce(type(other)(name="thief", title="Thief", checks=list, review=other.review, actions=(spec,)))


# The API


@pytest.mark.sqlite
@pytest.mark.parametrize("kind", ["json", "form"])
def test_an_operator_records_one_and_the_review_shows_it(kind: str) -> None:
    body = {"verdict": "intervene", "reason": "the kill switch must be tried"}
    operator = caller("operator", name="olga")
    if kind == "form":
        answer = operator.generic("POST", PATH, "verdict=intervene&reason=x", "application/x-www-form-urlencoded")
    else:
        answer = operator.post(PATH, body)
    assert answer.status_code == 200, answer.content
    told = answer.json()
    assert (told["verdict"], told["decided_by"]) == ("INTERVENE", "olga")
    assert operator.get("/api/governance/review").json()["decision"] == told
    assert [row["id"] for row in operator.get(PATH).json()["results"]] == [told["id"]]


@pytest.mark.sqlite
def test_without_one_the_review_says_so(api: APIClient) -> None:
    assert api.get("/api/governance/review").json()["decision"] is None


@pytest.mark.parametrize("body", [
    {}, {"verdict": "fine", "reason": "x"}, {"verdict": "watch"}, {"verdict": ["watch"]},
    {"verdict": "watch", "reason": ""}, {"verdict": "watch", "reason": "x" * 2_001},
])  # fmt: skip
def test_a_malformed_body_is_a_400_that_names_the_field(body: dict[str, Any], api: APIClient) -> None:
    answer = api.post(PATH, body)
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() <= {"verdict", "reason"}
    assert not ReviewDecision.objects.exists()


def test_past_ones_are_filtered(api: APIClient) -> None:
    ReviewDecisionFactory()
    watched = ReviewDecisionFactory(verdict="WATCH", decided_by="pat")
    for query in ({"verdict": "WATCH"}, {"decided_by": "pat"}):
        assert [row["id"] for row in api.get(PATH, query).json()["results"]] == [watched.pk]
    assert api.get(PATH, {"until": "2020-01-01T00:00:00Z"}).json()["results"] == []
