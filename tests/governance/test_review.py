from __future__ import annotations

import datetime as dt
import json

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from governance import clock, register, review
from governance.models import Hold
from governance.sections import Section
from tests.governance.factories import ChangeRequestFactory, HoldFactory
from tests.governance.toys import toy_lever

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


def own() -> Section:
    return review.sections(review.last_week())[0]


def test_it_looks_at_the_seven_days_up_to_now() -> None:
    with clock.at(NOON):
        period = review.last_week()
    assert (period.start, period.end) == (NOON - dt.timedelta(days=7), NOON)


@pytest.mark.sqlite
def test_every_lever_has_its_section_in_its_order_after_the_kernels() -> None:
    with toy_lever():
        names = [section.name for section in review.sections(review.last_week())]
    assert names[0] == "governance"
    assert names[-1] == "toy"
    assert len(names) == len(set(names)) == len(register.levers()) + 2
    assert len(names) >= len(settings.GOVERNANCE_LEVERS) + 2


@pytest.mark.sqlite
def test_holds_are_shown_while_they_stand() -> None:
    Hold.objects.all().delete()
    with clock.at(NOON):
        assert own().tables[0].rows == []
        assert own().tables[0].empty == "Nothing is held."
        HoldFactory(scope="OFFERS", code="tripped", until=NOON + dt.timedelta(seconds=1))
        HoldFactory(scope="ENDED", until=NOON)
        section = own()
    assert section.data["holds"] == [
        {"scope": "OFFERS", "source": "toy", "code": "tripped", "reason": "because", "since": NOON}
    ]
    assert section.tables[0].rows == [["OFFERS", "tripped", "because", "2026-11-24 12:00"]]


def test_a_change_that_waits_is_an_alarm_until_its_time_is_over() -> None:
    with clock.at(NOON):
        change = ChangeRequestFactory()
        section = own()
        assert section.alarms == ["1 change(s) wait for a second person"]
        assert section.data["pending_changes"] == [
            {"id": change.pk, "action": "risk.policy.set", "target": "WHOLESALE", "requested_by": "jo"}
        ]
        assert section.tables[1].rows == [[f"#{change.pk} risk.policy.set WHOLESALE", "jo", "more room"]]
    with clock.at(change.expires_at):
        assert list(own().alarms) == []


def test_the_whole_is_healthy_when_no_section_has_an_alarm(api: APIClient) -> None:
    told = api.get("/api/governance/review").json()
    assert told["healthy"] is (told["alarms"] == [])
    ChangeRequestFactory()
    told = api.get("/api/governance/review").json()
    assert told["healthy"] is False
    assert "Holds and changes: 1 change(s) wait for a second person" in told["alarms"]
    assert set(told["sections"]) == {section.name for section in review.sections(review.last_week())}
    assert dt.datetime.fromisoformat(told["to"]) - dt.datetime.fromisoformat(told["from"]) == dt.timedelta(days=7)
    json.dumps(told)
