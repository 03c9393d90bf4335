"""Stops that arrive while reservations wait, waits that end, and the order of the locks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from golive.services import engage_kill_switch
from governance import holds
from riskguard import services
from riskguard.models import RiskEvent, RiskPolicy, RiskReservation
from riskguard.rules import GLOBAL
from tests.riskguard.factories import counters, policy, reserve, reserved
from tests.riskguard.racing import (
    Attempt,
    Caller,
    differences,
    errors,
    holding_writes,
    impatient,
    race,
    until_waiting,
    with_and_without_locks,
    with_both_backends,
)

CALLERS = 16

needs_postgresql = pytest.mark.postgresql
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded_noon")]


def _kill() -> None:
    engage_kill_switch(actor="ops", reason="r")


def _hold() -> None:
    holds.place(scope="WHOLESALE", source="x", code="held", reason="r", rank=40)


def _disable(engine: str) -> None:
    services.set_policy(engine=engine, patch={"enabled": False}, actor="ops", reason="r")


@needs_postgresql
@with_both_backends
@pytest.mark.usefixtures("backend")
@with_and_without_locks
@pytest.mark.parametrize(
    ("stop", "reason"),
    [
        (_kill, "kill_switch_engaged"),
        (_hold, "held"),
        (partial(_disable, "WHOLESALE"), "policy_disabled"),
        (partial(_disable, GLOBAL), "policy_disabled"),
    ],
    ids=["kill switch", "hold", "policy disabled", "GLOBAL disabled"],
)
def test_nothing_is_granted_on_a_stop_that_was_there_while_it_waited(
    stop: Callable[[], None], reason: str, locks: bool, proves: Callable[[Attempt, bool], None]
) -> None:
    def attempt() -> list[str]:
        with transaction.atomic():
            RiskPolicy.objects.locked(GLOBAL)
            caller = Caller(reserve)
            until_waiting(caller)
            stop()
        ruling = caller.told()
        return [] if (ruling.ok, ruling.reason) == (False, reason) else [ruling.message]

    proves(attempt, locks)


@needs_postgresql
@with_both_backends
@pytest.mark.usefixtures("backend")
@with_and_without_locks
def test_nothing_is_granted_once_a_throttle_has_answered(locks: bool, proves: Callable[[Attempt, bool], None]) -> None:
    """The throttle waits for a grant under way: none commits after it has answered."""

    def attempt() -> list[str]:
        with holding_writes("risk_reservation"):
            granting = Caller(reserve)
            until_waiting(granting)
            throttling = Caller(partial(services.throttle, engine="WHOLESALE", actor="tripwire", reason="r"))
            until_waiting(granting, throttling)
            answered_first = not throttling.is_alive()
        ruling = granting.told()
        throttling.told()
        return ["granted after the throttle had answered"] if ruling.ok and answered_first else []

    proves(attempt, locks)


@needs_postgresql
@with_both_backends
@pytest.mark.usefixtures("backend")
@with_and_without_locks
def test_a_wait_past_its_limit_is_busy_and_recorded(locks: bool, proves: Callable[[Attempt, bool], None]) -> None:
    def attempt() -> list[str]:
        with transaction.atomic():
            RiskPolicy.objects.locked(GLOBAL)
            ruling = Caller(impatient(partial(reserve, "WHOLESALE", 5, correlation_id="deal-7"))).told()
        if (ruling.ok, ruling.reason, ruling.reservation) != (False, "busy", None):
            return [ruling.message]
        event = RiskEvent.objects.get()
        assert (event.kind, event.reason, event.engine, event.amount) == ("DENY", "busy", "WHOLESALE", 5)
        assert (event.correlation_id, counters()) == ("deal-7", None)
        return []

    proves(attempt, locks)


@needs_postgresql
def test_over_http_a_wait_past_its_limit_is_an_answer_and_no_500() -> None:
    held = reserved("WHOLESALE", 5)

    def post(path: str, **body: Any) -> Any:
        return APIClient(SERVER_NAME="localhost").post(f"/api/governance/risk/{path}", body)

    with transaction.atomic():
        RiskPolicy.objects.locked(GLOBAL)
        asked = Caller(impatient(partial(post, "check-and-reserve", engine="WHOLESALE", amount=5))).told()
        settled = Caller(impatient(partial(post, "settle", reservation_id=held.pk, realized_loss=0))).told()
        released = Caller(impatient(partial(post, "release", reservation_id=held.pk))).told()
        upserted = Caller(impatient(partial(post, "policies/upsert", engine=GLOBAL, max_open_risk=1))).told()
    assert (asked.status_code, asked.json()["ok"], asked.json()["reason"]) == (200, False, "busy")
    assert asked.json()["message"] == "The ledger was busy and nothing was reserved for WHOLESALE: try again."
    for answer in (settled, released, upserted):
        assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "busy", "1")
    assert post("settle", reservation_id=held.pk, realized_loss=0).status_code == 200


@needs_postgresql
@with_and_without_locks
def test_the_kill_switch_waits_for_no_reservation(locks: bool, proves: Callable[[Attempt, bool], None]) -> None:
    """Sixteen callers queue for the ledger; the kill switch engages while they do, and none of them is granted."""

    def attempt() -> list[str]:
        with transaction.atomic():
            RiskPolicy.objects.locked(GLOBAL, "WHOLESALE")
            callers = [Caller(reserve) for _ in range(CALLERS)]
            until_waiting(*callers)
            Caller(impatient(_kill, milliseconds=50)).told()
        return [ruling.message for ruling in [caller.told() for caller in callers] if ruling.ok]

    proves(attempt, locks)


@needs_postgresql
def test_the_kill_switch_engages_under_full_load() -> None:
    def until_killed() -> int:
        granted = 0
        while reserve(amount=1).ok:
            granted += 1
        return granted

    callers = [Caller(until_killed) for _ in range(CALLERS)]
    while RiskReservation.objects.count() < CALLERS:
        pass
    Caller(impatient(_kill, milliseconds=250)).told()
    answered = RiskReservation.objects.count()
    granted = sum(caller.told() for caller in callers)
    assert granted == RiskReservation.objects.count()
    # Who had read the holds before the kill may still commit; GLOBAL's lock lets one be there at a time.
    assert granted - answered <= 1
    assert differences() == []


@needs_postgresql
@with_both_backends
@pytest.mark.usefixtures("backend")
def test_two_policies_changed_in_one_transaction_meet_reservations_without_a_deadlock() -> None:
    """The one written order: GLOBAL, then engines. A reservation that took its engine first would deadlock here."""
    with transaction.atomic():
        policy(GLOBAL, max_open_risk=10**6)
        caller = Caller(reserve)
        until_waiting(caller)
        policy("WHOLESALE", max_open_risk=10**6)
    assert caller.told().ok


@needs_postgresql
def test_two_throttles_of_an_engine_without_a_policy_make_one() -> None:
    throttle = partial(services.throttle, engine="FRESH", actor="tripwire", reason="r")
    for _ in range(5):
        RiskPolicy.objects.filter(engine="FRESH").delete()
        assert errors(race(*[throttle] * 4)) == []
        assert RiskPolicy.objects.filter(engine="FRESH", enabled=False).count() == 1
