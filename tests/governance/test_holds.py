from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import LazySettings

from governance import clock, holds
from governance.holds import EVERYTHING
from governance.models import Hold

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
SECOND = dt.timedelta(seconds=1)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_no_holds")]


@pytest.fixture
def _no_holds(db: None) -> None:
    Hold.objects.all().delete()


def place(**more: Any) -> Hold:
    holds.place(**{"scope": "OFFERS", "source": "toy", "code": "held", "reason": "why", "rank": 40, **more})
    return Hold.objects.latest("pk")


def codes(engine: str | None = "OFFERS") -> list[str]:
    return [hold.code for hold in holds.standing(engine)]


def test_a_hold_stands_over_its_engine_and_no_other() -> None:
    place()
    assert codes() == ["held"]
    assert codes("OTHER") == codes(None) == []


def test_a_hold_of_everything_stands_over_every_engine() -> None:
    place(scope=EVERYTHING)
    assert codes() == codes("OTHER") == codes(None) == ["held"]


def test_the_lowest_rank_names_the_refusal_and_of_two_the_older() -> None:
    with clock.at(NOON):
        place(code="second", rank=40)
    with clock.at(NOON - SECOND):
        place(code="first", rank=40)
        place(code="last", rank=50)
        place(code="before", rank=10, scope=EVERYTHING)
    assert codes() == ["before", "first", "second", "last"]


def test_a_hold_that_is_placed_again_says_the_new_words_and_keeps_its_since() -> None:
    with clock.at(NOON):
        first = place()
    with clock.at(NOON + SECOND):
        again = place(reason="worse", rank=30)
    assert (again.pk, again.since, again.reason, again.rank) == (first.pk, NOON, "worse", 30)
    assert Hold.objects.count() == 1


def test_two_rows_of_one_lever_hold_by_themselves() -> None:
    place(key="a")
    place(key="b")
    assert holds.lift(scope="OFFERS", source="toy", code="held", key="a")
    assert codes() == ["held"]
    assert holds.lift(scope="OFFERS", source="toy", code="held", key="b")
    assert codes() == []


def test_lifting_says_whether_one_was_there() -> None:
    place()
    for other in ({"scope": "OTHER"}, {"source": "other"}, {"code": "other"}, {"key": "other"}):
        assert not holds.lift(**{"scope": "OFFERS", "source": "toy", "code": "held", **other})
    assert holds.lift(scope="OFFERS", source="toy", code="held")
    assert not holds.lift(scope="OFFERS", source="toy", code="held")


@pytest.mark.parametrize(("at", "stands"), [(NOON - SECOND, True), (NOON, False), (NOON + SECOND, False)])
def test_a_hold_ends_by_itself(at: dt.datetime, stands: bool) -> None:
    place(until=NOON, pins="dial")
    with clock.at(at):
        assert codes() == (["held"] if stands else [])
        assert (holds.pinning("dial") is not None) is stands


@pytest.mark.parametrize("enforced", [True, False])
def test_a_hold_of_the_switches_counts_where_enforcement_is_on(enforced: bool, settings: LazySettings) -> None:
    settings.GOVERNANCE_ENFORCED = enforced
    place(scope=EVERYTHING, code="killed", enforced_only=True, rank=10)
    place()
    assert codes() == (["killed", "held"] if enforced else ["held"])


def test_a_control_is_pinned_by_the_hold_that_names_it() -> None:
    pin = place(pins="risk_policy:OFFERS")
    assert holds.pinning("risk_policy:OFFERS") == pin
    assert holds.pinning("risk_policy:OTHER") is None
