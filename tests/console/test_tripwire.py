"""The tripwire's page: what it shows, to whom, and that no history makes it slow."""

from __future__ import annotations

import datetime as dt

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from golive.services import release_kill_switch
from governance import clock
from regression import previewing, services, tracing
from regression.models import RegressionIncident, RegressionPolicy
from regression.rules import Event
from regression.tracing import Span
from tests.console.conftest import SignedIn
from tests.console.tripwires import PAGE, charted, shown
from tests.regression.factories import (
    DOMAIN,
    METRIC,
    PAIR,
    IncidentFactory,
    PolicyFactory,
    armed,
    evaluate,
    rearm,
    record,
    record_at_once,
    tripped,
)
from tests.riskguard.factories import go_live, policy

# What a page says and asks for is the same on every database: such a test runs on one.
pytestmark = pytest.mark.django_db


@pytest.mark.sqlite
def test_a_trip_is_shown_with_its_series_its_incident_and_what_may_be_done(operator: Client) -> None:
    tripped()
    said = shown(operator)
    for told in (
        "triggered", "1.000 fell to 0.000, a drop of 1.000 against 0.2", "Say that you are on it: acknowledge.",
        "4 events", "12 events, one by one", "the current window as it stands",
    ):  # fmt: skip
        assert told in said
    incident = RegressionIncident.objects.get()
    for action in (
        f"regression.incident.acknowledge/{incident.pk}", f"regression.incident.resolve/{incident.pk}",
        f"regression.rearm/{DOMAIN}/{METRIC}", f"regression.policy.set/{DOMAIN}/{METRIC}",
        f"regression.baseline.pin/{DOMAIN}/{METRIC}",
    ):  # fmt: skip
        assert f"/admin/act/{action}/?next=" in said
    data, options = charted(operator)
    assert [series["label"] for series in data["datasets"]] == ["Mean of the last 4", "Baseline", "Threshold 0.2"]
    current, baseline, threshold = (series["data"] for series in data["datasets"])
    assert (current[-1], baseline[-1], threshold[-1]) == (0, 1, 0.8)
    marks = options["plugins"]["annotation"]["annotations"]
    assert marks[f"trip-{incident.pk}"]["xMin"] == 11
    assert (marks["current"]["xMin"], marks["baseline"]["xMax"]) == (8, 7)
    assert options["plugins"]["zoom"]["zoom"]["drag"] == {"enabled": True}


@pytest.mark.sqlite
def test_a_viewer_sees_it_and_is_offered_nothing(viewer: Client) -> None:
    tripped()
    assert "/admin/act/" not in shown(viewer)


@pytest.mark.sqlite
def test_who_has_no_role_is_refused(signed_in: SignedIn) -> None:
    PolicyFactory()
    shown(signed_in(), status=403)


@pytest.mark.sqlite
def test_after_a_re_arming_what_was_pulled_is_offered_until_it_is_enabled(operator: Client) -> None:
    go_live()
    policy(DOMAIN)
    tripped()
    assert "risk.policy.set" not in shown(operator)
    rearm()
    said = shown(operator)
    assert f"/admin/act/risk.policy.set/{DOMAIN}/?patch=" in said
    assert "It watches again." in said
    _data, options = charted(operator)
    assert [name for name in options["plugins"]["annotation"]["annotations"] if name.startswith("armed-")]
    policy(DOMAIN)
    assert "risk.policy.set" not in shown(operator)


@pytest.mark.sqlite
def test_a_pulled_kill_switch_is_offered_to_be_released(operator: Client) -> None:
    go_live()
    tripped(action="KILL_SWITCH")
    rearm()
    assert ">Release the kill switch<" in shown(operator)
    release_kill_switch(actor="jo", reason="mended")
    assert ">Release the kill switch<" not in shown(operator)


def test_it_says_how_reliable_it_was(viewer: Client) -> None:
    now = clock.now()
    PolicyFactory()
    dealt = {"acknowledged_at": now, "acknowledged_by": "jo", "resolved_at": now, "resolved_by": "jo"}
    for minutes, cause in ((2, "FALSE_ALARM"), (4, "REAL_REGRESSION")):
        opened = now - dt.timedelta(minutes=minutes)
        IncidentFactory(
            opened_at=opened, onset_at=opened - dt.timedelta(seconds=30), status="RESOLVED", cause=cause, **dealt
        )
    said = shown(viewer)
    assert "50% <small>1 of 2 with a cause</small>" in said
    assert "<dt>Mean time to detect</dt><dd>0:00:30</dd>" in said
    assert "<dt>To acknowledge (MTTA)</dt><dd>0:03:00</dd>" in said
    assert "a real regression" in said


@pytest.mark.sqlite
def test_a_tripwire_without_events_says_the_next_step(viewer: Client) -> None:
    PolicyFactory(enabled=False)
    said = shown(viewer)
    for told in ("It was never enabled or evaluated", "POST /api/governance/regression/kpi", "It has never tripped."):
        assert told in said


@pytest.mark.sqlite
def test_pins_are_shown_and_drawn(viewer: Client) -> None:
    armed(baseline={"completed_at": clock.now() - dt.timedelta(days=1)})
    record("SSSSSS")
    services.pin_baseline(**PAIR, actor="jo", reason="a new price list")
    said = shown(viewer)
    assert "being taken" in said
    assert "<dt>Tested against</dt><dd>0.880</dd>" in said
    baseline = next(series for series in charted(viewer)[0]["datasets"] if series["label"] == "Baseline")
    assert baseline["data"] == [0.9] * 6


@pytest.mark.sqlite
def test_before_a_pin_is_complete_there_is_no_baseline_to_draw(viewer: Client) -> None:
    PolicyFactory(enabled=False, baseline_kind="PINNED")
    record_at_once("S" * 16)
    assert [series["label"] for series in charted(viewer)[0]["datasets"]] == ["Mean of the last 4"]


@pytest.mark.sqlite
@pytest.mark.parametrize("address", ["NOBODY/signed", f"{DOMAIN}/other", "A%20B/signed"])
def test_an_unknown_tripwire_is_not_found(viewer: Client, address: str) -> None:
    PolicyFactory()
    assert viewer.get(f"/admin/tripwires/{address}/").status_code == 404


@pytest.mark.sqlite
def test_a_name_is_found_in_any_spelling(viewer: Client) -> None:
    PolicyFactory()
    assert viewer.get(f"/admin/tripwires/{DOMAIN.lower()}/{METRIC.upper()}/").status_code == 200


@pytest.mark.sqlite
def test_what_is_odd_in_the_address_is_told_with_what_to_give(viewer: Client) -> None:
    tripped()
    for query, told in (
        ("?from=yesterday", "from: Must be a time in UTC, such as 2026-11-24T02:00:00."),
        ("?to=2026-13-01T00:00", "to: Must be a time in UTC"),
        ("?to=0001-01-01T00:00%2B14:00", "to: Must be a time in UTC"),
        ("?from=2026-11-24T02:00&to=2026-11-23T02:00", "from: Must not be after the end."),
        ("?incident=x", "incident: Must be the number of an incident."),
        ("?incident=999999", f"incident: {DOMAIN}/{METRIC} has no incident 999999."),
        ("?max_drop=much", "A valid number is required."),
        ("?max_drop=0", "Ensure this value is greater than or equal to 0.000001."),
        ("?max_drop=0.1,0.2,0.3,0.4", "Compare at most 3 thresholds at a time."),
        ("?max_drop=0.1&detector=MAGIC", 'detector: "MAGIC" is not a valid choice.'),
    ):
        assert told in shown(viewer, query, status=400), query


def _record_each_minute(outcomes: str) -> dt.datetime:
    start = clock.now() - dt.timedelta(minutes=len(outcomes))
    for number, outcome in enumerate(outcomes):
        with clock.at(start + dt.timedelta(minutes=number)):
            record(outcome)
    return start


def test_a_stretch_of_time_is_shown_and_nothing_else(viewer: Client) -> None:
    PolicyFactory(enabled=False)
    start = _record_each_minute("S" * 10 + "F" * 10)
    begin, end = (f"{start + dt.timedelta(minutes=minutes):%Y-%m-%dT%H:%M:%S}" for minutes in (5, 14))
    data, _options = charted(viewer, f"?from={begin}&to={end}")
    assert [label[:19].replace(" ", "T") for label in data["labels"]][:: len(data["labels"]) - 1] == [begin, end]
    assert len(data["labels"]) == 10
    # What came before the stretch is in its windows.
    assert data["datasets"][0]["data"][0] == 1
    assert data["datasets"][1]["data"][-1] == pytest.approx(0.875)
    said = shown(viewer, f"?from={begin}&to={end}")
    for name in ("Earlier", "Later", "Closer", "Wider", "24 hours", "7 days", "30 days", "All"):
        assert f">{name}</a>" in said


def test_an_incident_is_shown_with_what_came_before_and_after(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "NEWEST", 8)
    monkeypatch.setattr(tracing, "AFTER_TRIP", 2)
    tripped()
    rearm()
    record_at_once("S" * 30)
    incident = RegressionIncident.objects.get()
    found = tracing.trace(RegressionPolicy.objects.get(**PAIR), evaluate(), Span(incident=incident))
    ids = [point.id for point in found.points]
    assert (len(ids), ids.index(incident.last_event_id)) == (8, 5)
    assert f"Incident {incident.pk}</a>" in shown(viewer, f"?incident={incident.pk}")


def test_a_long_stretch_is_looked_at_in_places(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "CLOSE", 20)
    monkeypatch.setattr(tracing, "MOMENTS", 7)
    PolicyFactory(enabled=False)
    outcomes = "SSF" * 8
    _record_each_minute(outcomes)
    found = tracing.trace(RegressionPolicy.objects.get(**PAIR), None, Span(start=clock.now() - dt.timedelta(days=1)))
    assert (found.events, len(found.points)) == (0, 7)
    for point, at in zip(found.points, found.at, strict=True):
        # An event a minute: the n-th moment lies so many minutes after the first event.
        end = int((at - found.at[0]) / dt.timedelta(minutes=1)) + 1
        last = outcomes[max(0, end - 4) : end]
        assert point.current == pytest.approx(last.count("S") / len(last))
    assert "A long stretch: looked at in 7 places" in shown(viewer, "?from=1970-01-01T00:00:00")


def test_following_events_are_read_in_order() -> None:
    ids = [recorded.id for recorded in record("SFS")]
    assert tracing.following(DOMAIN, METRIC, after=ids[0], limit=5) == [
        Event(ids[1], False, None), Event(ids[2], True, None),
    ]  # fmt: skip


@pytest.mark.sqlite
@pytest.mark.parametrize("query", ["", "?from=1970-01-01T00:00:00", "?max_drop=0.3&detector=WINDOW"])
def test_it_asks_as_many_queries_with_a_history_as_without(
    operator: Client, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracing, "CLOSE", 60)
    monkeypatch.setattr(previewing, "TRIALS", 0)
    tripped()
    rearm()
    record_at_once("S" * 12)
    counts = []
    for more in (1, 30):
        record_at_once("S" * more)
        with CaptureQueriesContext(connection) as seen:
            shown(operator, query)
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.sqlite
def test_the_console_leads_to_it(operator: Client) -> None:
    tripped()
    incident, tripwire = RegressionIncident.objects.get(), RegressionPolicy.objects.get(**PAIR)
    plane = operator.get("/admin/").content.decode()
    assert f'href="{PAGE}"' in plane
    assert f'href="{PAGE}?incident={incident.pk}"' in plane
    row = operator.get(f"/admin/regression/regressionincident/{incident.pk}/change/").content.decode()
    assert f'href="{PAGE}?incident={incident.pk}"' in row
    row = operator.get(f"/admin/regression/regressionpolicy/{tripwire.pk}/change/").content.decode()
    assert f'href="{PAGE}"' in row
