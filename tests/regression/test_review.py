from __future__ import annotations

import datetime as dt
import json

import pytest
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance import clock
from governance.sections import Period
from regression import review, services
from tests.regression.factories import IncidentFactory, PolicyFactory, arm, rearm, record, tripped

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 11, 23, 9, tzinfo=dt.UTC)
HOUR, WEEK = dt.timedelta(hours=1), dt.timedelta(days=7)
PERIOD = Period(NOW - WEEK, NOW)


def _incident(opened: dt.datetime, *, acknowledged: float | None = None, resolved: float | None = None) -> None:
    """Open an incident, acknowledged and resolved so many hours later."""
    incident = IncidentFactory(opened_at=opened)
    for service, hours in (
        (services.acknowledge_incident, acknowledged),
        (services.resolve_incident, resolved),
    ):
        if hours is not None:
            with clock.at(opened + hours * HOUR):
                service(incident_id=incident.pk, actor="jo")


def test_the_checklist_warns_while_a_tripwire_is_triggered() -> None:
    (check,) = review.checks()
    assert (check.name, check.ok, check.required) == ("triggered_tripwire", True, False)
    tripped()
    (check,) = review.checks()
    assert (check.ok, check.detail) == (False, "Triggered, to be re-armed: OFFERS/signed.")
    rearm()
    assert review.checks()[0].ok


def test_an_untouched_installation_needs_nobody() -> None:
    section = review.section(PERIOD)
    assert section.name == "regression"
    assert len(section.data["tripwires"]) == 4
    assert {line["state"] for line in section.data["tripwires"]} == {None}
    assert section.alarms == []
    assert section.tables[0].rows[0] == [
        "BUYER_MATCH match_success",
        "disabled",
        "-",
        "-",
        "-",
        "0.25 THROTTLE",
        "never",
    ]


def test_a_triggered_tripwire_and_its_incident_come_first() -> None:
    with clock.at(NOW - HOUR):
        tripped()
    section = review.section(PERIOD)
    assert next(iter(section.alarms)) == "OFFERS/signed is triggered"
    assert "of OFFERS/signed is open" in section.alarms[1]
    row = next(row for row in section.tables[0].rows if row[0] == "OFFERS signed")
    assert row == ["OFFERS signed", "TRIGGERED", "1", "0", "1", "0.2 THROTTLE", "2026-11-23 08:00"]
    (trip,) = section.tables[1].rows
    assert trip[1:] == ["OFFERS signed", "THROTTLE", "1", "2026-11-23 08:00", "open"]
    assert section.data["period"] == {
        "trips": 1, "acknowledged": 0, "resolved": 0, "mtta_seconds": None, "mttr_seconds": None,
    }  # fmt: skip
    json.dumps(section.data, cls=DjangoJSONEncoder)


def test_an_armed_one_shows_its_last_figures() -> None:
    with clock.at(NOW):
        arm(domain="WHOLESALE", metric="contract_rate")
        record("SSF", domain="WHOLESALE", metric="contract_rate")
    row = next(row for row in review.section(PERIOD).tables[0].rows if row[0] == "WHOLESALE contract_rate")
    assert row[1:5] == ["armed", "0.6667", "0.6667", "0"]


def test_the_times_to_acknowledge_and_to_resolve_are_means_of_the_period() -> None:
    _incident(PERIOD.start, acknowledged=1, resolved=2)
    _incident(PERIOD.start + HOUR, acknowledged=2, resolved=6)
    _incident(PERIOD.start + 2 * HOUR)
    _incident(PERIOD.start - HOUR, resolved=0.5)
    _incident(PERIOD.end)
    section = review.section(PERIOD)
    assert section.data["period"] == {
        "trips": 3, "acknowledged": 2, "resolved": 2, "mtta_seconds": 5400, "mttr_seconds": 4 * 3600,
    }  # fmt: skip
    assert section.data["period_before"] == {
        "trips": 1, "acknowledged": 1, "resolved": 1, "mtta_seconds": 1800, "mttr_seconds": 1800,
    }  # fmt: skip
    assert section.tables[2].rows[-1] == ["Mean time to resolve (MTTR)", "4:00:00", "0:30:00"]
    assert len(section.data["open_incidents"]) == 2


def test_the_review_asks_the_same_number_of_queries_at_one_row_and_at_ten() -> None:
    counts = []
    for number in range(10):
        PolicyFactory(metric=f"m{number}")
        IncidentFactory(metric=f"m{number}", opened_at=NOW - HOUR)
        if number in {0, 9}:
            with CaptureQueriesContext(connection) as seen:
                review.section(PERIOD)
            counts.append(len(seen))
    assert counts[0] == counts[1]
