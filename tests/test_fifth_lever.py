"""A fifth lever is one new app: with it installed, and nothing else edited, everything that asks levers asks it."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

import pytest
from django.conf import LazySettings, settings
from django.core.management import call_command
from django.test import Client
from django.test.utils import override_settings
from django.urls import clear_url_caches
from rest_framework.test import APIClient

from governance import readiness, register, review
from governance.models import AuditEvent
from heimdall import services as heimdall
from tests.fifth_lever import services
from tests.heimdall.factories import earned
from tests.riskguard.factories import go_live, reserve, uncapped
from valhalla import urls

pytestmark = pytest.mark.django_db
PATH = "/api/governance/quarantine"


@pytest.fixture
def installed(db: None) -> Iterator[None]:
    """Install the app, as a line in INSTALLED_APPS would before the start."""
    with override_settings(INSTALLED_APPS=[*settings.INSTALLED_APPS, "tests.fifth_lever.apps.QuarantineConfig"]):
        _read_addresses()
        yield
    register.withdraw("quarantine")
    _read_addresses()


def _read_addresses() -> None:
    importlib.reload(urls)
    clear_url_caches()


def quarantine(engine: str = "WHOLESALE") -> None:
    services.put(engine=engine, quarantined=True, actor="jo", reason="feverish")


@pytest.mark.usefixtures("installed")
def test_it_stands_on_the_checklist() -> None:
    assert "quarantine" in readiness.checklist()["required"]["packs_installed"]["detail"]
    assert readiness.checklist()["ok"]
    quarantine("WHOLESALE"), quarantine("CAPITAL")
    assert readiness.checklist()["required"]["no_ward_is_full"]["ok"] is False
    assert not readiness.checklist()["ok"]


@pytest.mark.sqlite
@pytest.mark.usefixtures("installed")
def test_it_stands_in_the_review_of_the_api_and_of_the_terminal(
    api: APIClient, capsys: pytest.CaptureFixture[str]
) -> None:
    quarantine()
    told = api.get("/api/governance/review").json()
    assert told["sections"]["quarantine"] == {"engines": ["WHOLESALE"]}
    assert "Quarantine: WHOLESALE is ill" in told["alarms"]
    call_command("control_plane_review")
    assert "In quarantine" in capsys.readouterr().out


@pytest.mark.sqlite
@pytest.mark.usefixtures("installed")
def test_it_stands_on_the_control_plane(admin_client: Client) -> None:
    quarantine()
    page = admin_client.get("/admin/").content.decode()
    assert "Quarantine" in page
    assert "WHOLESALE is ill" in page


@pytest.mark.usefixtures("installed")
def test_it_stands_in_the_metrics(api: APIClient) -> None:
    assert "valhalla_quarantined{" not in api.get("/metrics").content.decode()
    quarantine()
    told = api.get("/metrics").content.decode().splitlines()
    assert 'valhalla_quarantined{engine="WHOLESALE"} 1.0' in told
    assert 'valhalla_holds{code="quarantined",scope="WHOLESALE",source="quarantine"} 1.0' in told
    decided = 'valhalla_decisions_total{engine="WHOLESALE",lever="quarantine",reason="quarantined"}'
    assert any(line.startswith(decided) for line in told)


@pytest.mark.sqlite
@pytest.mark.usefixtures("installed")
def test_its_addresses_and_its_action_are_there(api: APIClient) -> None:
    assert api.get(PATH).json() == []
    body = {"engine": "wholesale", "quarantined": True, "actor": "jo", "reason": "feverish"}
    assert api.post(PATH, body).json() == {"quarantined": True}
    assert api.get(PATH).json() == ["WHOLESALE"]
    event = AuditEvent.objects.get(action="quarantine.set")
    assert (event.actor, event.target, event.via, event.after) == ("jo", "WHOLESALE", "api", {"quarantined": True})
    assert api.post(PATH, {**body, "quarantined": "odd"}).status_code == 400
    assert PATH in api.get("/openapi.json").json()["paths"]


@pytest.mark.usefixtures("installed")
def test_what_loosens_it_waits_for_a_second_person(api: APIClient, settings: LazySettings) -> None:
    quarantine()
    settings.FOUR_EYES = True
    body = {"engine": "WHOLESALE", "quarantined": False, "actor": "jo", "reason": "well again"}
    assert api.post(PATH, body).status_code == 202
    assert api.get(PATH).json() == ["WHOLESALE"]


@pytest.mark.usefixtures("installed")
def test_its_hold_stops_reservations_authorizations_and_the_gate(api: APIClient) -> None:
    go_live()
    uncapped("WHOLESALE")
    recommendation = earned("PRICING", engine="WHOLESALE")
    assert reserve("WHOLESALE").ok
    assert api.get("/api/deals").status_code == 200
    quarantine()
    ruling = reserve("WHOLESALE")
    assert (ruling.ok, ruling.reason) == (False, "quarantined")
    assert "feverish" in ruling.message
    authorization = heimdall.authorize(recommendation_id=recommendation.pk, actor="bot")
    assert (authorization.ok, authorization.reason) == (False, "quarantined")
    answer = api.get("/api/deals")
    assert (answer.status_code, answer.json()["code"]) == (403, "ENGINE_HELD")
    assert reserve("CAPITAL").reason == "reserved"


def test_without_it_nothing_of_it_is_there(api: APIClient) -> None:
    assert api.get(PATH).status_code == 404
    assert "quarantine" not in {lever.name for lever in register.levers()}
    assert "quarantine" not in {section.name for section in review.sections(review.last_week())}
