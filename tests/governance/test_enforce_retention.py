from __future__ import annotations

import datetime as dt
import io

import pytest
from django.conf import LazySettings
from django.core.management import call_command

from governance import clock
from governance.models import AuditEvent
from regression.models import KpiEvent
from riskguard import services
from riskguard.models import RiskEvent
from tests.regression.factories import EventFactory

pytestmark = pytest.mark.django_db
NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)


def _run(*arguments: str) -> list[str]:
    out = io.StringIO()
    with clock.at(NOW):
        call_command("enforce_retention", "--actor", "cron", *arguments, stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture(autouse=True)
def _old_events(settings: LazySettings) -> None:
    settings.RETENTION_ENABLED = True
    EventFactory.create_batch(3, at=NOW - dt.timedelta(days=91))
    EventFactory(at=NOW - dt.timedelta(days=91), domain="ANOTHER")
    EventFactory(at=NOW)


def test_says_what_it_removed() -> None:
    assert _run() == [
        "4 row(s) removed so far",
        "kpi_event ANOTHER/signed: 1 removed",
        "kpi_event OFFERS/signed: 3 removed",
    ]
    assert KpiEvent.objects.count() == 1
    row = AuditEvent.objects.get()
    assert (row.actor, row.via) == ("cron", "command")


def test_says_that_nothing_is_old() -> None:
    _run()
    assert _run() == ["Nothing is both older than its retention and needed no more."]


def test_a_dry_run_removes_nothing() -> None:
    assert _run("--dry-run")[-1] == "kpi_event OFFERS/signed: 3 would be removed"
    assert KpiEvent.objects.count() == 5


def test_removes_nothing_where_retention_is_off(settings: LazySettings) -> None:
    settings.RETENTION_ENABLED = False
    assert _run() == ["RETENTION_ENABLED is 0: nothing is removed. --dry-run says what would be."]
    assert KpiEvent.objects.count() == 5
    assert "would be removed" in _run("--dry-run")[0]


def test_decisions_stay_however_old() -> None:
    with clock.at(NOW - dt.timedelta(days=4000)):
        services.reserve(engine="NOBODY", amount=1, actor="bot")
    _run()
    assert RiskEvent.objects.count() == 1
