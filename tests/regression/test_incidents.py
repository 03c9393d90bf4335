from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from rest_framework.test import APIClient

from governance import clock
from governance.sections import Period
from regression import review, selectors, services
from regression.models import KpiEvent, RegressionIncident
from tests.regression.factories import IncidentFactory, PolicyFactory, armed, rearm, record, record_at_once, tripped

pytestmark = pytest.mark.django_db
API = "/api/governance/regression/incidents"
NOON = dt.datetime(2026, 1, 13, 12, tzinfo=dt.UTC)


def _later(**span: float) -> dt.datetime:
    return NOON + dt.timedelta(**span)


def test_a_trip_of_a_window_tells_its_onset_and_the_way_to_it(api: APIClient) -> None:
    tripped()
    incident = RegressionIncident.objects.get()
    ids = list(KpiEvent.objects.order_by("pk").values_list("pk", flat=True))
    assert (incident.onset_event_id, incident.events_to_detect) == (ids[8], 4)
    assert incident.onset_at == KpiEvent.objects.get(pk=ids[8]).at
    told = api.get(f"{API}/{incident.pk}").json()
    assert told["path"] == {"figure": "drop_fraction", "alarm_at": 0.2, "points": [[number, 1.0] for number in ids[8:]]}
    assert "path" not in api.get(API).json()["results"][0]


def test_an_onset_may_lie_before_the_window() -> None:
    PolicyFactory(max_drop_fraction="0.3")
    record_at_once("SSSSSSFFSFSFF")
    incident = RegressionIncident.objects.get()
    assert incident.onset_event_id is not None
    assert incident.onset_event_id < incident.first_event_id


@pytest.mark.parametrize("cause", ["REAL_REGRESSION", "FALSE_ALARM", "DATA_FAULT"])
def test_an_incident_is_resolved_with_its_cause(api: APIClient, cause: str) -> None:
    incident = IncidentFactory()
    told = api.post(f"{API}/{incident.pk}/resolve", {"actor": "jo", "cause": cause, "reason": "found"}, format="json")
    assert (told.status_code, told.json()["cause"], told.json()["resolution"]) == (200, cause, "found")


def test_the_cause_may_be_left_out_on_the_api(api: APIClient) -> None:
    incident = IncidentFactory()
    told = api.post(f"{API}/{incident.pk}/resolve", {"actor": "jo"}, format="json")
    assert (told.status_code, told.json()["cause"]) == (200, "")


def test_an_unknown_cause_is_a_400_that_names_it(api: APIClient) -> None:
    incident = IncidentFactory()
    told = api.post(f"{API}/{incident.pk}/resolve", {"actor": "jo", "cause": "BAD_LUCK"}, format="json")
    assert told.status_code == 400
    assert "cause" in told.json()["errors"]
    incident.refresh_from_db()
    assert incident.status == "OPEN"


def _known(mode: str, cause: str, opened: dt.datetime, **more: Any) -> RegressionIncident:
    resolved = {"status": "RESOLVED", "acknowledged_at": opened + dt.timedelta(minutes=2), "acknowledged_by": "jo"}
    times = {"opened_at": opened, "resolved_at": opened + dt.timedelta(minutes=10), "resolved_by": "jo"}
    return IncidentFactory(mode=mode, cause=cause, **{**resolved, **times, **more})


def _seed_incidents() -> None:
    _known("ENFORCE", "FALSE_ALARM", NOON, onset_at=NOON - dt.timedelta(minutes=1))
    _known("ENFORCE", "REAL_REGRESSION", _later(hours=1), onset_at=_later(minutes=57))
    _known("SHADOW", "FALSE_ALARM", _later(hours=2), acknowledged_at=_later(days=3), resolved_at=_later(days=4))
    IncidentFactory(opened_at=_later(hours=3))
    IncidentFactory(domain="QUIET", mode="SHADOW", opened_at=_later(hours=3))


def test_each_tripwire_has_its_times_and_its_share_of_false_alarms(api: APIClient) -> None:
    _seed_incidents()
    told = api.get(f"{API}/summary").json()
    assert told == [
        {
            "domain": "OFFERS", "metric": "signed", "trips": 3, "shadow_trips": 1, "with_cause": 3, "false_alarms": 2,
            "false_alarm_share": pytest.approx(2 / 3), "mttd_seconds": 120.0, "mtta_seconds": 120.0,
            "mttr_seconds": 600.0,
        },
        {
            "domain": "QUIET", "metric": "signed", "trips": 0, "shadow_trips": 1, "with_cause": 0, "false_alarms": 0,
            "false_alarm_share": None, "mttd_seconds": None, "mtta_seconds": None, "mttr_seconds": None,
        },
    ]  # fmt: skip
    (only,) = api.get(f"{API}/summary", {"since": _later(minutes=30).isoformat(), "domain": "OFFERS"}).json()
    assert (only["trips"], only["false_alarm_share"]) == (2, 0.5)


def test_incidents_are_filtered_by_mode_detector_and_cause(api: APIClient) -> None:
    _seed_incidents()
    for asked, count in (({"mode": "SHADOW"}, 2), ({"cause": "FALSE_ALARM"}, 2), ({"detector": "SEQUENTIAL"}, 0)):
        assert len(api.get(API, asked).json()["results"]) == count


def test_the_review_tells_the_same_and_lets_shadow_wait_for_nobody() -> None:
    _seed_incidents()
    section = review.section(Period(NOON, _later(days=1)))
    offers, quiet = section.data["reliability"]
    assert (offers["trips"], offers["false_alarms"], quiet["shadow_trips"]) == (3, 2, 1)
    assert section.data["period"] == {
        "trips": 3, "acknowledged": 2, "resolved": 2, "mtta_seconds": 120.0, "mttr_seconds": 600.0,
    }  # fmt: skip
    table = next(table for table in section.tables if table.title == "Reliability of this period")
    assert table.rows[0][-1] == "67% (2 of 3 with a cause)"
    assert table.rows[1][-1] == "no cause is known"
    assert len([alarm for alarm in section.alarms if "incident" in alarm]) == 1


def test_a_trip_in_shadow_is_acknowledged_and_resolved_like_any() -> None:
    armed(mode="SHADOW")
    record_at_once("SSSSFFFFFF")
    incident = RegressionIncident.objects.earliest("pk")
    services.acknowledge_incident(incident_id=incident.pk, actor="jo")
    services.resolve_incident(incident_id=incident.pk, actor="jo", cause="FALSE_ALARM", reason="a test")
    incident.refresh_from_db()
    assert (incident.status, incident.cause) == ("RESOLVED", "FALSE_ALARM")
    assert selectors.open_incidents() == []


def test_the_time_to_detect_counts_from_the_onset() -> None:
    armed()
    with clock.at(NOON):
        record_at_once("SSSSSS")
    with clock.at(_later(minutes=1)):
        record("F")
    with clock.at(_later(minutes=4)):
        record("FFFFF")
    (found,) = selectors.reliability(RegressionIncident.objects.all())
    assert found.mean_time_to_detect == dt.timedelta(minutes=3)
    rearm()
