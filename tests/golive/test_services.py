from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction

from golive import seeds as own_seeds
from golive import selectors, services
from golive.models import GoLiveState
from governance import clock, epoch, holds, seeds
from governance.changes import Refused
from governance.errors import Unavailable
from governance.models import AuditEvent, Epoch, Hold
from riskguard.rules import GLOBAL
from tests.riskguard.factories import policy

pytestmark = pytest.mark.django_db
MOMENT = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
enable = partial(services.enable, actor="ops")
disable = partial(services.disable, actor="ops")
engage = partial(services.engage_kill_switch, actor="ops")
release = partial(services.release_kill_switch, actor="ops", reason="over")


def switches() -> tuple[bool, bool]:
    row = GoLiveState.objects.get()
    return row.go_live_enabled, row.kill_switch_engaged


def codes() -> list[str]:
    return list(Hold.objects.filter(source="golive").values_list("code", flat=True))


def pin() -> None:
    holds.place(
        scope="CAPITAL", source="regression", code="tripwire_triggered", key="CAPITAL.roi_event", reason="roi fell",
        rank=40, pins="kill_switch",
    )  # fmt: skip


def test_a_new_site_is_disabled_and_released_and_held_for_it() -> None:
    assert switches() == (False, False)
    assert codes() == ["go_live_disabled"]


def test_each_turn_changes_state_and_hold_together() -> None:
    enable()
    assert (switches(), codes()) == ((True, False), [])
    engage(reason="drill")
    assert (switches(), codes()) == ((True, True), ["kill_switch_engaged"])
    disable()
    assert (switches(), codes()) == ((False, True), ["kill_switch_engaged", "go_live_disabled"])
    release()
    assert (switches(), codes()) == ((False, False), ["go_live_disabled"])


@pytest.mark.parametrize("turn", [enable, disable, engage, release])
def test_each_turn_adds_one_to_the_epoch_and_one_row_to_the_trail(turn: Callable[..., Any]) -> None:
    for _ in range(2):
        before = epoch.current(), AuditEvent.objects.count()
        turn()
        assert (epoch.current(), AuditEvent.objects.count()) == (before[0] + 1, before[1] + 1)


def test_a_turn_is_recorded_with_who_why_when_and_what_stood_before() -> None:
    with clock.at(MOMENT):
        engage(reason="drill")
    row = GoLiveState.objects.get()
    assert (row.changed_by, row.reason, row.updated_at) == ("ops", "drill", MOMENT)
    event = AuditEvent.objects.latest("pk")
    assert (event.action, event.actor, event.reason, event.outcome) == (
        "kill_switch.engage", "ops", "drill", AuditEvent.Outcome.APPLIED,
    )  # fmt: skip
    assert event.before == {"go_live_enabled": False, "kill_switch_engaged": False, "until": None}
    assert event.after == {"go_live_enabled": False, "kill_switch_engaged": True, "until": None}


@pytest.mark.parametrize("turn", [enable, disable, engage, release])
def test_a_turn_that_cannot_be_recorded_is_not_made(turn: Callable[..., Any]) -> None:
    if turn is enable:
        disable()
    else:
        enable()
    if turn is release:
        engage()
    before = switches(), codes()
    Epoch.objects.all().delete()
    with pytest.raises(Unavailable), transaction.atomic():
        turn(reason="x") if turn is not enable else turn(reason="x", override=True)
    assert (switches(), codes()) == before


def test_a_hold_says_why_and_a_second_turn_keeps_its_since() -> None:
    with clock.at(MOMENT):
        engage(reason="first")
    with clock.at(MOMENT + dt.timedelta(hours=1)):
        engage(reason="second")
    hold = Hold.objects.get(code="kill_switch_engaged")
    assert (hold.scope, hold.reason, hold.since, hold.enforced_only) == ("*", "second", MOMENT, True)


class TestEnabling:
    def test_a_failing_checklist_refuses_and_changes_nothing(self) -> None:
        policy(GLOBAL, enabled=False)
        before = epoch.current()
        refused = enable(reason="please")
        assert isinstance(refused, Refused)
        assert (refused.code, refused.unmet) == ("checklist_failed", True)
        assert refused.details["checklist"]["ok"] is False
        failing = [name for name, line in refused.details["checklist"]["required"].items() if not line["ok"]]
        assert failing
        assert all(name in refused.message for name in failing)
        assert (switches(), epoch.current()) == ((False, False), before)

    def test_an_override_with_a_reason_enables_all_the_same(self) -> None:
        policy(GLOBAL, enabled=False)
        assert isinstance(enable(reason="the bank asked", override=True), GoLiveState)
        assert switches() == (True, False)

    @pytest.mark.parametrize("reason", ["", "  ", "\n\t"])
    def test_an_override_without_a_reason_is_refused_though_the_checklist_passes(self, reason: str) -> None:
        refused = enable(reason=reason, override=True)
        assert isinstance(refused, Refused)
        assert (refused.code, refused.unmet) == ("reason_required", True)
        assert switches() == (False, False)

    @pytest.mark.parametrize(
        ("setting", "value", "line"),
        [
            ("SECRET_KEY", "insecure-" + "x" * 50, "secret_key"),
            ("SECRET_KEY", "x" * 31, "secret_key"),
            ("DEBUG", True, "debug_off"),
            ("GOVERNANCE_LEVERS", ("golive", "fifth"), "packs_installed"),
        ],
    )
    def test_a_setting_that_is_not_fit_for_production_refuses(
        self, settings: LazySettings, setting: str, value: Any, line: str
    ) -> None:
        setattr(settings, setting, value)
        refused = enable()
        assert isinstance(refused, Refused)
        assert line in refused.message

    @pytest.mark.parametrize(
        ("setting", "value"), [("GOVERNANCE_ENFORCED", False), ("API_AUTH", "open"), ("SECRET_KEY", "x" * 32)]
    )
    def test_a_warning_refuses_nothing(self, settings: LazySettings, setting: str, value: Any) -> None:
        setattr(settings, setting, value)
        assert isinstance(enable(), GoLiveState)

    def test_it_releases_no_kill_switch(self) -> None:
        engage()
        enable()
        assert switches() == (True, True)


class TestReleasing:
    def test_it_is_refused_while_a_tripwire_pins_it(self) -> None:
        engage()
        pin()
        refused = release()
        assert isinstance(refused, Refused)
        assert (refused.code, refused.unmet) == ("pinned", False)
        assert "roi fell (CAPITAL.roi_event)" in refused.message
        assert switches() == (False, True)
        holds.lift(scope="CAPITAL", source="regression", code="tripwire_triggered", key="CAPITAL.roi_event")
        assert isinstance(release(), GoLiveState)

    def test_nothing_else_is_pinned(self) -> None:
        pin()
        assert isinstance(enable(), GoLiveState)
        assert isinstance(engage(), GoLiveState)
        assert isinstance(disable(), GoLiveState)


class TestTheMissingRow:
    @pytest.fixture(autouse=True)
    def _missing(self, db: None) -> None:
        GoLiveState.objects.all().delete()

    @pytest.mark.parametrize("turn", [enable, disable, engage, release])
    def test_no_switch_can_be_turned(self, turn: Callable[..., Any]) -> None:
        with pytest.raises(Unavailable, match="seed_governance"):
            turn()

    def test_no_state_can_be_read(self) -> None:
        with pytest.raises(Unavailable, match="seed_governance"):
            selectors.state()
        with pytest.raises(Unavailable, match="seed_governance"):
            selectors.reading(clock.now())

    def test_it_is_named_and_put_back_disabled_with_its_hold(self) -> None:
        Hold.objects.all().delete()
        assert own_seeds.missing() == ["go_live_state"]
        before = epoch.current()
        assert own_seeds.restore(actor="ops", reset=False) == ["go_live_state"]
        assert (switches(), codes(), epoch.current()) == ((False, False), ["go_live_disabled"], before + 1)
        assert AuditEvent.objects.latest("pk").action == "go_live.restore"
        assert own_seeds.missing() == []

    def test_a_kill_outlives_the_row(self) -> None:
        own_seeds.restore(actor="ops", reset=False)
        engage()
        GoLiveState.objects.all().delete()
        own_seeds.restore(actor="ops", reset=False)
        assert switches() == (False, True)


def test_a_reset_of_the_seeds_turns_no_switch() -> None:
    enable()
    engage()
    assert own_seeds.restore(actor="ops", reset=True) == []
    assert switches() == (True, True)


def test_there_is_one_row_and_no_other() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        GoLiveState.objects.create(pk=2, updated_at=clock.now())


def test_the_reading_is_of_what_stands(settings: LazySettings) -> None:
    enable()
    engage(reason="drill")
    pin()
    holds.place(scope="NOTIFY", source="t", code="ended", reason="", rank=1, until=MOMENT)
    holds.place(scope="NOTIFY", source="t", code="ends", reason="", rank=2, until=MOMENT + dt.timedelta(seconds=1))
    reading = selectors.reading(MOMENT)
    assert (reading.go_live_enabled, reading.kill_switch_engaged, reading.epoch) == (True, True, epoch.current())
    assert [hold.code for hold in reading.holds][:2] == ["ends", "kill_switch_engaged"]
    assert "ended" not in {hold.code for hold in reading.holds}
    assert reading.why("kill_switch_engaged") == "drill"
    assert reading.why("go_live_disabled") == ""
    assert reading.over(["CAPITAL"]) in reading.levers()
    assert reading.over(["NOTIFY"]) is not None
    assert reading.over() is None
    assert "kill_switch_engaged" not in {hold.code for hold in reading.levers()}


def test_an_epoch_that_was_lost_comes_back_above_every_one_that_admitted_something() -> None:
    for _ in range(3):
        engage()
        release()
    before = epoch.current()
    Epoch.objects.all().delete()
    seeds.restore(actor="ops")
    assert epoch.current() > before
