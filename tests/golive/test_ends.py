"""Production that is enabled until a time."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from rest_framework.test import APIClient

from golive import panel, selectors, services
from golive.models import GoLiveState
from governance import changes, clock, ending, epoch, holds
from governance.changes import Pending
from governance.errors import Invalid
from governance.models import AuditEvent
from valhalla import gate

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
SIX = NOON + dt.timedelta(hours=6)
SECOND = dt.timedelta(seconds=1)


def enable(**end: Any) -> Any:
    return services.enable(actor="ops", reason="the drill", override=True, end=end)


@pytest.fixture(autouse=True)
def _until_six(db: None, settings: LazySettings) -> None:
    settings.GOVERNANCE_ENFORCED = True
    with clock.at(NOON):
        enable(until=SIX)


def passes(path: str = "/api/deals") -> bool:
    return not isinstance(gate.judge(path, "POST"), gate.Refusal)


def test_production_is_open_up_to_the_end_and_closed_at_it_though_nobody_has_written_it() -> None:
    with clock.at(SIX - SECOND):
        assert passes()
        assert holds.standing("ANY") == []
        assert services.end_overrides() == []
    with clock.at(SIX):
        refused = gate.judge("/api/deals", "POST")
        assert isinstance(refused, gate.Refusal)
        assert (refused.status, refused.code) == (403, "GO_LIVE_DISABLED")
        assert "until 2026-11-24 18:00 UTC is over" in refused.detail
        assert [hold.code for hold in holds.standing("ANY")] == ["go_live_disabled"]
        assert not selectors.state().go_live_enabled
        assert panel.status().word == "DISABLED"
    assert GoLiveState.objects.get().go_live_enabled


def test_the_job_writes_it_back_with_its_row_in_the_trail_and_a_new_epoch() -> None:
    turn = epoch.current()
    with clock.at(SIX):
        assert ending.end_all() == ["production"]
        assert ending.end_all() == []
    row = GoLiveState.objects.get()
    assert (row.go_live_enabled, row.until, row.fallback, row.changed_by) == (False, None, {}, "end_overrides")
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.actor) == ("go_live.disable", "end_overrides")
    assert event.before is not None
    assert event.before["falls_back_to"] == {"go_live_enabled": False}
    assert epoch.current() == turn + 1


def test_what_changes_the_switches_after_the_end_finds_production_disabled() -> None:
    with clock.at(SIX):
        services.engage_kill_switch(actor="ops", reason="stop")
        row = services.release_kill_switch(actor="ops", reason="go on")
        assert isinstance(row, GoLiveState)
        assert not row.go_live_enabled
        assert not passes()


def test_a_disabling_meanwhile_stays_and_so_does_a_kill() -> None:
    with clock.at(NOON):
        services.disable(actor="ops", reason="stop")
        assert GoLiveState.objects.get().until is None
        enable(until=SIX)
        services.engage_kill_switch(actor="ops", reason="stop")
        assert GoLiveState.objects.get().until == SIX
    with clock.at(SIX):
        services.end_overrides()
    row = GoLiveState.objects.get()
    assert (row.go_live_enabled, row.kill_switch_engaged) == (False, True)


def test_to_enable_again_slips_out_of_no_end_but_one_that_is_taken_away_is_gone() -> None:
    with clock.at(NOON):
        enable()
        assert GoLiveState.objects.get().until == SIX
        enable(until=None)
        assert GoLiveState.objects.get().until is None
    with clock.at(SIX):
        assert services.end_overrides() == []
        assert passes()
        with pytest.raises(Invalid, match="nothing here would end"):
            enable(until=SIX + SECOND)


def test_with_four_eyes_it_waits_with_its_end_and_goes_back_with_nobody(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    with clock.at(NOON):
        services.disable(actor="ops", reason="stop")
        patch = {"override": True, "until": SIX.isoformat()}
        outcome = changes.submit(action="go_live.enable", target="", patch=patch, actor="jo", reason="the drill")
        assert isinstance(outcome, Pending)
        assert outcome.change.patch.keys() == {"override", "until"}
    settings.FOUR_EYES = False
    with clock.at(NOON):
        enable(until=SIX)
    settings.FOUR_EYES = True
    with clock.at(SIX):
        assert services.end_overrides() == ["production"]


def test_the_preview_and_the_head_of_every_page_say_until_when() -> None:
    with clock.at(NOON):
        patch = {"override": True, "until": (SIX + SECOND * 60).isoformat()}
        told = changes.preview(action="go_live.enable", target="", patch=patch, reason="the drill")
        assert told.effects[-1] == "At 2026-11-24 18:01 UTC production is disabled again, by itself."
        assert "Production is enabled until 2026-11-24 18:00 UTC (in 6 h)." in panel.status().said


def test_the_api_and_the_command_take_an_end_and_tell_it(api: APIClient, capsys: pytest.CaptureFixture[str]) -> None:
    services.disable(actor="ops", reason="stop")
    until = (clock.now() + dt.timedelta(hours=2)).replace(second=0, microsecond=0).isoformat().replace("+00:00", "Z")
    body = {"actor": "jo", "override": True, "reason": "the drill", "until": until}
    answer = api.post("/api/governance/go-live/enable", body)
    assert (answer.status_code, answer.json()["until"]) == (200, until), answer.content
    refused = api.post("/api/governance/go-live/enable", {**body, "until": "2020-01-01T00:00Z"})
    assert (refused.status_code, list(refused.json()["errors"])) == (400, ["until"])
    services.disable(actor="ops", reason="stop")
    call_command("golive", "enable", "--override", "--reason", "the drill", "--actor", "jo", "--until", until)
    assert '"until": "' in capsys.readouterr().out
    assert GoLiveState.objects.get().until == dt.datetime.fromisoformat(until)
