"""Tripwires under many callers at once. Each race holds with the policy's lock, and fails with it taken out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from governance import holds
from governance.changes import Refused
from governance.models import AuditEvent
from regression import services
from regression.models import KpiEvent, RegressionGap, RegressionIncident, RegressionPolicy, RegressionState
from riskguard.services import throttle
from tests.append_only import lifted, raw
from tests.regression.factories import DOMAIN, METRIC, PAIR, EventFactory, PolicyFactory, evaluate, rearm, record
from tests.riskguard.racing import Caller, errors, impatient, no_locks, race, until_waiting

CALLERS = 16
ROUNDS, TRIES = 2, 40
Attempt = Callable[[], list[str]]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]
with_and_without_locks = pytest.mark.parametrize("locks", [True, False], ids=["locks", "no_locks"])


@pytest.fixture
def proves(monkeypatch: pytest.MonkeyPatch) -> Callable[[Attempt, bool], None]:
    """Return what shows that an attempt never goes wrong with the locks, and sooner or later does without."""

    def prove(attempt: Attempt, locks: bool) -> None:
        if locks:
            for _ in range(ROUNDS):
                _clear()
                assert attempt() == []
            return
        with no_locks(monkeypatch):
            for _ in range(TRIES):
                _clear()
                if attempt():
                    return
        pytest.fail("with the locks taken out nothing went wrong: this test proves nothing")

    return prove


def _clear() -> None:
    with lifted():
        for model in (KpiEvent, RegressionIncident, RegressionState, RegressionGap, AuditEvent):
            raw(model).all().delete()
    RegressionPolicy.objects.filter(domain=DOMAIN).delete()
    for metric in (METRIC, "second"):
        holds.lift(scope=DOMAIN, source="regression", code="tripwire_triggered", key=f"{DOMAIN}/{metric}")
    throttle(engine=DOMAIN, actor="test", reason="test")


def _pulls() -> int:
    return AuditEvent.objects.filter(action="risk.policy.set", actor="regression-tripwire").count()


def _once() -> list[str]:
    wrong = [] if RegressionIncident.objects.count() == 1 else [f"{RegressionIncident.objects.count()} incidents"]
    wrong += [] if _pulls() == 1 else [f"pulled {_pulls()} times"]
    return wrong + ([] if RegressionState.objects.get().triggered else ["not triggered"])


@with_and_without_locks
@pytest.mark.parametrize("callers", [2, CALLERS])
def test_evaluations_at_once_trigger_once(callers: int, locks: bool, proves: Callable[[Attempt, bool], None]) -> None:
    def attempt() -> list[str]:
        PolicyFactory()
        KpiEvent.objects.bulk_create(EventFactory.build(success=number < 8) for number in range(12))
        return [*map(repr, errors(race(*[evaluate] * callers))), *_once()]

    proves(attempt, locks)


@with_and_without_locks
def test_events_at_once_trigger_once_at_the_one_that_the_law_says(
    locks: bool, proves: Callable[[Attempt, bool], None]
) -> None:
    def attempt() -> list[str]:
        PolicyFactory()
        record("SSSSSSSS")
        answers = race(*[partial(record, "F")] * CALLERS)
        wrong = [*map(repr, errors(answers)), *_once()]
        if not wrong:
            recorded = sorted((answer[0] for answer in answers), key=lambda answer: answer.id)
            triggered = [answer.state.triggered for answer in recorded]
            wrong += [] if triggered == [False] * 3 + [True] * (CALLERS - 3) else [f"triggered: {triggered}"]
            fourth = recorded[3].id
            tripped_by = RegressionIncident.objects.get().last_event_id
            wrong += [] if tripped_by == fourth else [f"{tripped_by} triggered, not {fourth}"]
        return wrong

    proves(attempt, locks)


@with_and_without_locks
def test_ids_grow_in_order_of_arrival_so_that_every_event_sees_all_before_it(
    locks: bool, proves: Callable[[Attempt, bool], None]
) -> None:
    def attempt() -> list[str]:
        PolicyFactory(window_events=100, baseline_events=1, min_events_to_enforce=1)
        record("S")
        answers = race(*[partial(record, "SSS")] * CALLERS)
        wrong = [repr(error) for error in errors(answers)]
        if not wrong:
            recorded = sorted((one for answer in answers for one in answer), key=lambda one: one.id)
            seen = [one.state.current_count for one in recorded]
            wrong += [] if seen == list(range(1, 3 * CALLERS + 1)) else [f"saw {seen}"]
        return wrong

    proves(attempt, locks)


@with_and_without_locks
def test_an_event_is_either_before_the_arming_or_evaluated(
    locks: bool, proves: Callable[[Attempt, bool], None]
) -> None:
    def attempt() -> list[str]:
        PolicyFactory(enabled=False)
        enable = partial(services.set_policy, **PAIR, patch={"enabled": True}, actor="jo", reason="on")
        answers = race(enable, *[partial(record, "SSS")] * CALLERS)
        wrong = [repr(error) for error in errors(answers)]
        if not wrong:
            armed_after = RegressionState.objects.get().armed_after_id
            recorded = [one for answer in answers[1:] for one in answer]
            missed = [one.id for one in recorded if (one.state is not None) is not (one.id > armed_after)]
            wrong += [f"armed after {armed_after}, {missed} on the wrong side"] if missed else []
        return wrong

    proves(attempt, locks)


def test_a_re_arming_among_events_leaves_out_exactly_those_before_it() -> None:
    for _ in range(ROUNDS):
        _clear()
        PolicyFactory()
        record("SSSSSSSSFFFF")
        answers = race(rearm, *[partial(record, "SSS")] * CALLERS)
        assert errors(answers) == []
        gap, state = RegressionGap.objects.get(), evaluate()
        assert gap.until_id == state.armed_after_id
        for one in (one for answer in answers[1:] for one in answer):
            assert one.state.triggered is (one.id <= gap.until_id)


def test_two_tripwires_of_one_engine_trip_at_once() -> None:
    for _ in range(ROUNDS):
        _clear()
        for metric in (METRIC, "second"):
            PolicyFactory(metric=metric)
            KpiEvent.objects.bulk_create(EventFactory.build(success=number < 8, metric=metric) for number in range(12))
        assert errors(race(evaluate, partial(evaluate, metric="second"))) == []
        assert RegressionIncident.objects.count() == 2
        assert holds.pinning(f"risk_policy:{DOMAIN}") is not None


def test_of_two_that_create_a_policy_at_once_the_second_is_told_so() -> None:
    """It was judged against the defaults, and not against what the first has made."""
    create = partial(services.set_policy, **PAIR, patch={"enabled": True}, actor="jo", reason="new")
    with transaction.atomic():
        create()
        caller = Caller(create)
        until_waiting(caller)
    refusal = caller.told()
    assert isinstance(refusal, Refused)
    assert refusal.code == "created_meanwhile"
    assert RegressionPolicy.objects.filter(**PAIR).count() == 1


def test_a_lock_that_is_not_to_be_had_is_busy_and_nothing_is_recorded(api: APIClient) -> None:
    PolicyFactory()

    def post() -> Any:
        return api.post("/api/governance/regression/kpi", {**PAIR, "success": True, "actor": "bot"})

    with transaction.atomic():
        RegressionPolicy.objects.select_for_update().get(**PAIR)
        answer = Caller(impatient(post)).told()
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert not KpiEvent.objects.exists()


def test_a_trip_and_a_kill_in_the_written_order_do_not_deadlock() -> None:
    PolicyFactory(action="KILL_SWITCH")
    record("SSSSSSSSFFF")
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM go_live_state WHERE id = 1 FOR UPDATE")
        caller = Caller(partial(record, "F"))
        until_waiting(caller)
        assert not RegressionIncident.objects.exists()
    assert caller.told()[0].state.triggered
