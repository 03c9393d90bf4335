"""The what-if of a domain that ANYTIME judges: what was recorded of it, against what the services really decided."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from governance import clock
from governance.facts import Tripped
from heimdall import legs, past, services, trying
from heimdall.legs import Leg, Outcome, Start
from heimdall.models import HeimdallPolicy, HeimdallRecommendation
from heimdall.trying import Tried
from tests.heimdall.factories import PolicyFactory, ScorecardFactory

MONDAY = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
ASKED = ("0.5", "0.7")


def outcomes(text: str) -> list[Outcome]:
    """Return a trial a letter, a minute apart."""
    return [Outcome(MONDAY + MINUTE * number, letter == "S") for number, letter in enumerate(text)]


@pytest.mark.sqlite
class TestLegs:
    def test_trials_are_parted_among_the_starts_by_their_counts(self) -> None:
        starts = [Start(2, 2, 1, MONDAY + 3 * MINUTE), Start(1, 5, 4)]
        newest, first = legs.way(starts, outcomes("SFSSF")).legs
        assert newest == Leg(2, 0, 0, [True, False])
        assert first == Leg(1, 2, 2, [True, False, True])

    def test_one_that_comes_between_a_restart_and_the_next_trial_is_placed_by_its_time(self) -> None:
        way = legs.way([Start(2, 2, 1, MONDAY + 3 * MINUTE), Start(1, 3, 2)], outcomes("SFSSF"))
        assert way.place(2, MONDAY + 9 * MINUTE) == (1, 2)
        assert way.place(3, MONDAY + 2 * MINUTE) == (1, 3)
        assert way.place(3, MONDAY + 3 * MINUTE) == (0, 0)
        assert way.place(5, MONDAY) == (0, 2)

    def test_an_admission_stays_until_the_rate_is_shown_to_be_below(self) -> None:
        shown = Leg(1, 0, 0, [True] * 12 + [False] * 50).shown(Decimal("0.5"))
        admitted = [one.admitted for one in shown]
        first = admitted.index(True)
        assert 5 < first < 12
        assert all(admitted[first:16])
        assert not admitted[-1]

    def test_what_admitted_before_the_trials_that_are_read_is_known_by_the_rate_that_it_was_asked_for(self) -> None:
        before = Start(1, 100, 60, admitted_at=MONDAY - MINUTE, admitted_by=Decimal("0.55"))
        (leg,) = legs.way([before], outcomes("SF")).legs
        assert [leg.shown(Decimal(rate))[0].admitted for rate in ("0.5", "0.55", "0.56")] == [True, True, False]
        within = before._replace(admitted_at=MONDAY + MINUTE)
        assert legs.way([within], outcomes("SF")).legs[0].admitted_by is None


# What the services record, tried against what they decided


@pytest.fixture
def later() -> Callable[[], Any]:
    """Return what moves the clock on by a minute."""
    moments = (clock.at(MONDAY + MINUTE * number) for number in range(10_000))
    return lambda: next(moments)


@pytest.fixture
def week(live: None, later: Callable[[], Any]) -> None:
    """Record the same trials, recommendations, restarts and a trip of domains that ask for different rates."""
    with later():
        for rate in ASKED:
            PolicyFactory(
                domain=f"ASKS_{rate}", engine="PRICING", min_confidence_prod="0.5", min_sandbox_trials=5,
                min_sandbox_success_rate=rate, evidence_rule="ANYTIME",
            )  # fmt: skip
    order = random.Random(3)
    for number in range(84):
        for rate in ASKED:
            domain = f"ASKS_{rate}"
            if number % 2:
                with later():
                    recommend(domain, 0.4 + (number % 5) / 10)
            if number == 44:
                with later():
                    services.restart_evidence(domain=domain, actor="jo", reason="another model")
                with later():
                    recommend(domain, 0.9)
        success = order.random() < (0.97 if number < 72 else 0.3)
        for rate in ASKED:
            with later():
                services.trial(domain=f"ASKS_{rate}", confidence=0.9, success=success, actor="sandbox")
        if number == 20:
            with later():
                services.hear_trip(Tripped(engine="PRICING", actor="regression-tripwire", reason="it dropped"))


def recommend(domain: str, confidence: float) -> None:
    services.recommend(domain=domain, confidence=confidence, recommendation={}, evidence={}, actor="ai")


def eligible(domain: str) -> list[bool]:
    """Return of each recommendation whether it was eligible when it came."""
    found = HeimdallRecommendation.objects.filter(domain=domain).order_by("pk")
    return list(found.values_list("prod_eligible", flat=True))


def tried(domain: str, **thresholds: Any) -> Tried:
    (told,) = trying.tried(domain=domain, **thresholds)
    return told


@pytest.mark.sqlite  # what is read of PostgreSQL: the two that follow
@pytest.mark.django_db
def test_another_rate_would_have_let_through_what_a_domain_that_asked_for_it_did(
    week: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    low, high = (eligible(f"ASKS_{rate}") for rate in ASKED)
    assert len(low) == 43
    assert sum(low) > sum(high) > 0
    lost = sum(before and not after for before, after in zip(low, high, strict=True))
    told = tried("ASKS_0.5", min_sandbox_success_rate=Decimal("0.7"))
    assert (told.standing, told.passing, told.gained, told.lost) == (sum(low), sum(high), 0, lost)
    told = tried("ASKS_0.7", min_sandbox_success_rate=Decimal("0.5"))
    assert (told.standing, told.passing, told.gained, told.lost) == (sum(high), sum(low), lost, 0)
    assert (told.evidence_rule, told.left_out) == ("ANYTIME", 0)
    # 60 events reach back over the last forty trials alone: what was before is known as far as it was recorded.
    monkeypatch.setattr(past, "MOST_EVENTS", 60)
    told = tried("ASKS_0.5", min_sandbox_success_rate=Decimal("0.7"))
    assert (told.considered, told.standing, told.passing) == (43, sum(low), sum(high))
    with CaptureQueriesContext(connection) as seen:
        past.histories(HeimdallPolicy.objects.all())
    assert len(seen) == 5 + 1
    # It has no window that POINT could judge.
    HeimdallPolicy.objects.filter(domain="ASKS_0.5").update(evidence_rule="POINT")
    told = tried("ASKS_0.5")
    assert (told.considered, told.left_out, told.evidence_rule) == (0, 43, "POINT")
    assert "43 more, recorded under the other rule, are left out." in told.message


@pytest.mark.django_db
def test_the_two_rules_answer_differently_of_one_history_and_say_which_was_used(
    live: None, api: APIClient, later: Callable[[], Any]
) -> None:
    # Eight of ten a day read 0.8 under POINT; a rate above 0.75 is not proved by them for weeks.
    with later():
        policy = PolicyFactory(domain="PRICING", min_confidence_prod="0.5", min_sandbox_success_rate="0.75")
    for _round in range(4):
        for number in range(10):
            with later():
                services.trial(domain="PRICING", confidence=0.9, success=number > 1, actor="sandbox")
        for _number in range(8):
            with later():
                recommend("PRICING", 0.9)
    by_point = api.get("/api/governance/heimdall/what-if", {"domain": "PRICING"}).json()["tried"][0]
    assert (by_point["evidence_rule"], by_point["standing"], by_point["considered"]) == ("POINT", 32, 32)
    assert "judged by POINT" in by_point["message"]
    HeimdallPolicy.objects.filter(pk=policy.pk).update(evidence_rule="ANYTIME")
    asked = {"domain": "PRICING", "min_sandbox_success_rate": "0.5"}
    by_anytime = api.get("/api/governance/heimdall/what-if", asked).json()["tried"][0]
    assert (by_anytime["evidence_rule"], by_anytime["standing"], by_anytime["considered"]) == ("ANYTIME", 0, 32)
    # 24 of 30 are beyond chance for a rate of 0.5, 16 of 20 not yet.
    assert by_anytime["passing"] == 16
    assert "judged by ANYTIME" in by_anytime["message"]


@pytest.mark.django_db
def test_what_point_judged_before_the_events_that_are_read_is_left_out(
    live: None, later: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with later():
        policy = PolicyFactory(domain="PRICING", min_confidence_prod="0.5")
        ScorecardFactory(domain="PRICING", day=MONDAY.date())
    for _number in range(40):
        with later():
            recommend("PRICING", 0.9)
    policy.evidence_rule = "ANYTIME"
    monkeypatch.setattr(past, "MOST_EVENTS", 30)
    found = past.histories([policy])["PRICING"]
    assert (len(found.recommendations), found.left_out) == (30, 10)
    assert found.since == MONDAY + 11 * MINUTE
