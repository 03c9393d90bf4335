"""Who asks for what they may not is in the trail, and no loop fills it."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.db import DatabaseError
from django.test import Client

from governance import attempts, audit, clock
from governance.models import AuditEvent
from tests.access.factories import UserFactory, caller, stranger

pytestmark = pytest.mark.usefixtures("closed", "_nothing_counted")
NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
ENGAGE = "/api/governance/go-live/kill-switch/engage"


@pytest.fixture
def _nothing_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_counts", {})


def trail() -> list[tuple[str, str, int]]:
    rows = AuditEvent.objects.filter(action=attempts.ATTEMPT, outcome="REFUSED").order_by("pk")
    return [(row.actor, row.target, (row.after or {})["attempt_of_the_minute"]) for row in rows]


def test_an_attempt_without_the_right_is_in_the_trail_with_who_what_whence_and_why() -> None:
    assert caller("viewer", name="vi").post(ENGAGE, {}, headers={"X-Request-ID": "req-12345"}).status_code == 403
    assert trail() == [("vi", f"POST {ENGAGE}", 1)]
    row = AuditEvent.objects.get()
    assert (row.via, row.address, row.request_id) == ("api", "192.0.2.7", "req-12345")
    assert row.reason == "Your role does not include the right to change policies, switches and incidents."


def test_an_attempt_for_another_engine_is_in_the_trail() -> None:
    api = caller("engine", "NOTIFY", name="bot")
    assert api.post("/api/governance/risk/check-and-reserve", {"engine": "CAPITAL", "amount": 1}).status_code == 403
    assert trail() == [("bot", "POST /api/governance/risk/check-and-reserve", 1)]
    assert "and not for CAPITAL" in AuditEvent.objects.get().reason


def test_a_loop_leaves_a_handful_of_rows_that_say_how_hard_it_tried() -> None:
    api, other = caller("viewer", name="vi"), caller("engine", name="bot")
    with clock.at(NOON):
        for number in range(101):
            # The ids that an address names are one operation.
            api.post(f"/api/governance/changes/{number}/approve", {})
        other.post("/api/governance/changes/1/approve", {})
        api.post(ENGAGE, {})
    approve = "POST /api/governance/changes/<pk>/approve"
    expected = [("vi", approve, 1), ("vi", approve, 10), ("vi", approve, 100), ("bot", approve, 1)]
    assert trail() == [*expected, ("vi", f"POST {ENGAGE}", 1)]
    with clock.at(NOON + dt.timedelta(minutes=1)):
        api.post(ENGAGE, {})
    assert trail()[-1] == ("vi", f"POST {ENGAGE}", 1)
    assert len(attempts._counts) == 1


@pytest.mark.parametrize("secret", ["", "Bearer nonsense"])
def test_a_stranger_leaves_no_row(secret: str) -> None:
    api = stranger()
    if secret:
        api.credentials(HTTP_AUTHORIZATION=secret)
    for method in (api.get, api.post):
        assert method(ENGAGE).status_code == 401
    assert not AuditEvent.objects.exists()


def _signed_in(*roles: str, **more: Any) -> Client:
    browser = Client(**more)
    browser.force_login(UserFactory.create(username="jo", roles=roles, is_staff=True))
    return browser


def test_an_attempt_at_the_console_is_in_the_trail() -> None:
    browser = _signed_in("viewer")
    browser.get("/admin/governance/auditevent/")
    browser.post("/admin/act/kill_switch.engage/")
    assert trail() == [
        ("jo", "GET /admin/governance/auditevent", 1), ("jo", "POST /admin/act/<action>", 1),
    ]  # fmt: skip
    assert {row.via for row in AuditEvent.objects.filter(action=attempts.ATTEMPT)} == {"console"}


@pytest.mark.sqlite
def test_a_page_that_is_browsed_and_a_form_of_another_site_are_no_attempts() -> None:
    browser = _signed_in("viewer", enforce_csrf_checks=True)
    page = browser.get("/api/governance/changes", headers={"accept": "text/html"})
    assert page.status_code == 200
    assert browser.post(ENGAGE, {}).status_code == 403
    assert browser.post("/admin/act/kill_switch.engage/", {}).status_code == 403
    assert trail() == []


def test_where_the_trail_cannot_be_written_it_is_still_refused(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(**_row: Any) -> None:
        raise DatabaseError("disk full")

    api = caller("viewer", name="vi")
    monkeypatch.setattr(audit, "record", full)
    assert api.post(ENGAGE, {}).status_code == 403
    assert "could not be recorded" in caplog.text
