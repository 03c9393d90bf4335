"""Counts of refusals, exact up to a bound."""

from __future__ import annotations

import pytest

from governance import tallies
from riskguard.models import RiskEvent
from riskguard.selectors import refusals_by_reason
from tests.riskguard.factories import DAY, NOON, SECOND, EventFactory

pytestmark = pytest.mark.django_db


def _refused(reason: str, times: int, **more: object) -> None:
    RiskEvent.objects.bulk_create(EventFactory.build(reason=reason, **{"at": NOON, **more}) for _ in range(times))


def test_each_reason_is_counted_and_the_most_frequent_stands_first() -> None:
    _refused("busy", 2)
    _refused("policy_disabled", 3)
    _refused("a_reason_of_tomorrow", 2)
    assert list(refusals_by_reason(NOON, NOON + DAY).items()) == [
        ("policy_disabled", 3),
        ("a_reason_of_tomorrow", 2),
        ("busy", 2),
    ]


def test_the_period_includes_its_start_and_not_its_end() -> None:
    _refused("busy", 1, at=NOON - SECOND)
    _refused("policy_disabled", 1)
    _refused("kill_switch_engaged", 1, at=NOON + DAY)
    assert refusals_by_reason(NOON, NOON + DAY) == {"policy_disabled": 1}


def test_what_is_no_refusal_is_not_counted() -> None:
    _refused("expired", 1, kind=RiskEvent.Kind.EXPIRE)
    assert refusals_by_reason(NOON, NOON + DAY) == {}


@pytest.mark.parametrize(("times", "counted", "words"), [(4, 4, "4"), (5, 5, "5+"), (6, 5, "5+")])
def test_one_reason_is_counted_up_to_the_bound_and_keeps_nothing_from_the_others(
    times: int, counted: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tallies, "MOST", 5)
    _refused("busy", times)
    _refused("policy_disabled", 1)
    found = refusals_by_reason(NOON, NOON + DAY)
    assert found == {"busy": counted, "policy_disabled": 1}
    assert tallies.spoken(found["busy"]) == words


def test_a_count_is_written_with_thousands() -> None:
    assert tallies.spoken(1_999) == "1,999"
    assert tallies.spoken(tallies.MOST) == "2,000+"
