"""Tripwires that are weakened or switched off until a time."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from governance import changes, clock, ending
from governance.changes import Applied, Pending
from governance.errors import Invalid
from governance.models import AuditEvent
from regression import policies, rules, services
from regression.models import RegressionPolicy, RegressionState
from regression.recording import Observation
from tests.regression.factories import PAIR, BaselineFactory, PolicyFactory, evaluate, record, record_at_once, submit

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
SIX = NOON + dt.timedelta(hours=6)
SECOND = dt.timedelta(seconds=1)


@pytest.fixture(autouse=True)
def _armed(db: None) -> None:
    with clock.at(NOON):
        PolicyFactory(enabled=False)
        change(enabled=True)
        record_at_once("SSSSSSSS")


def change(**patch: Any) -> Any:
    return services.set_policy(**PAIR, patch=patch, actor="jo", reason="the drill")


def standing() -> RegressionPolicy:
    return RegressionPolicy.objects.get(**PAIR)


def triggered() -> bool:
    return RegressionState.objects.get(**PAIR).triggered


def test_a_weakened_tripwire_trips_by_the_event_that_meets_the_end() -> None:
    with clock.at(NOON):
        change(max_drop_fraction=Decimal("0.9"), until=SIX)
    with clock.at(SIX - SECOND):
        record("SFSF")
        assert not triggered()
    with clock.at(SIX):
        record("F")
    assert triggered()
    assert (standing().max_drop_fraction, standing().until, standing().fallback) == (Decimal("0.2"), None, {})


def test_an_evaluation_meets_the_end_too() -> None:
    with clock.at(NOON):
        change(mode=rules.SHADOW, max_drop_fraction=Decimal(1), until=SIX)
        record("SFSF")
    with clock.at(SIX):
        assert evaluate().triggered
    assert standing().mode == rules.ENFORCE


@pytest.mark.parametrize("batched", [False, True])
def test_one_that_is_switched_off_watches_again_from_the_event_that_meets_the_end(batched: bool) -> None:
    with clock.at(NOON):
        change(enabled=False, until=SIX)
        record("FFFF")
    with clock.at(SIX):
        if batched:
            services.record_kpis(observations=[Observation(**PAIR, success=True)], actor="bot")
        else:
            record("S")
    state = RegressionState.objects.get(**PAIR)
    assert (standing().enabled, state.triggered, state.current_count) == (True, False, 1)


def test_what_was_tightened_meanwhile_stays() -> None:
    with clock.at(NOON):
        change(max_drop_fraction=Decimal("0.9"), mode=rules.SHADOW, until=SIX)
        change(max_drop_fraction=Decimal("0.1"), action=rules.KILL_SWITCH)
        assert standing().fallback == {"mode": "ENFORCE"}
    with clock.at(SIX):
        assert ending.end_all() == ["OFFERS/signed"]
    row = standing()
    assert (row.max_drop_fraction, row.mode, row.action) == (Decimal("0.1"), "ENFORCE", "KILL_SWITCH")
    event = AuditEvent.objects.latest("pk")
    assert (event.actor, event.reason) == ("end_overrides", "What was loosened until 2026-11-24 18:00 UTC is over.")


def test_a_milder_action_goes_back_to_the_kill_switch() -> None:
    change(action=rules.KILL_SWITCH)
    with clock.at(NOON):
        change(action=rules.THROTTLE, until=SIX)
    with clock.at(SIX):
        assert policies.end_overrides() == ["OFFERS/signed"]
    assert standing().action == rules.KILL_SWITCH


def test_to_retire_what_would_watch_again_loosens_and_leaves_it_off(settings: LazySettings) -> None:
    with clock.at(NOON):
        change(enabled=False, max_drop_fraction=Decimal("0.9"), until=SIX)
        settings.FOUR_EYES = True
        assert isinstance(submit(rules.SET_POLICY, retired=True), Pending)
        settings.FOUR_EYES = False
        change(retired=True)
        assert standing().fallback == {"max_drop_fraction": "0.200000"}
    with clock.at(SIX):
        policies.end_overrides()
    assert (standing().enabled, standing().max_drop_fraction) == (False, Decimal("0.2"))


def test_what_watches_again_at_its_end_keeps_a_baseline_to_watch_by() -> None:
    with clock.at(NOON):
        change(enabled=False, until=SIX)
        with pytest.raises(Invalid, match="no baseline is pinned"):
            change(baseline_kind=rules.PINNED)
        BaselineFactory()
        assert change(baseline_kind=rules.PINNED).baseline_kind == rules.PINNED


@pytest.mark.parametrize("patch", [{"max_drop_fraction": Decimal("0.1")}, {"window_events": 5}, {"enabled": True}, {}])
def test_an_end_of_what_has_none_is_malformed(patch: dict[str, Any]) -> None:
    with clock.at(NOON), pytest.raises(Invalid, match="Nothing here ends"):
        change(**patch, until=SIX)


def test_with_four_eyes_the_weakening_waits_with_its_end(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    with clock.at(NOON):
        outcome = submit(rules.SET_POLICY, max_drop_fraction=0.9, min_events_to_enforce=2, until=SIX.isoformat())
        assert isinstance(outcome, Pending)
        assert outcome.change.patch.keys() == {"max_drop_fraction", "until"}
        assert standing().min_events_to_enforce == 2
        settings.FOUR_EYES = False
        change(max_drop_fraction=Decimal("0.9"), until=SIX)
        settings.FOUR_EYES = True
        assert isinstance(submit(rules.SET_POLICY, until=None), Pending)
        assert isinstance(submit(rules.SET_POLICY, until=(SIX - 60 * SECOND).isoformat()), Applied)


def test_the_preview_says_what_goes_back_and_the_api_tells_the_end() -> None:
    with clock.at(NOON):
        asked = {"enabled": False, "until": SIX.isoformat()}
        told = changes.preview(action=rules.SET_POLICY, target="OFFERS/signed", patch=asked)
        assert told.effects == ("At 2026-11-24 18:00 UTC OFFERS/signed goes back to enabled = yes.",)
    until = (clock.now() + dt.timedelta(hours=2)).replace(second=0, microsecond=0).isoformat().replace("+00:00", "Z")
    body = {**PAIR, "enabled": False, "until": until, "actor": "jo", "reason": "the drill"}
    answer = Client(SERVER_NAME="localhost").post(
        "/api/governance/regression/policies/upsert", body, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["until"]) == (200, until), answer.content
