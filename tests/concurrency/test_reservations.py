"""Reservations under many callers at once. Each race holds with its locks, and is shown to fail with them taken out."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from django.test.utils import CaptureQueriesContext

from governance import clock
from governance.errors import Conflict
from riskguard import ledger, services
from riskguard.decisions import Ruling
from riskguard.models import RiskEvent, RiskLedgerDay, RiskPolicy, RiskReservation
from riskguard.rules import GLOBAL
from tests.access.factories import caller
from tests.riskguard.factories import DAY, HOUR, NOON, SECOND, TODAY, counters, policy, reserve, reserved
from tests.riskguard.racing import (
    Attempt,
    Caller,
    at,
    differences,
    errors,
    holding_writes,
    race,
    until_waiting,
    with_and_without_locks,
    with_both_backends,
)

CALLERS = 16

needs_postgresql = pytest.mark.postgresql
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("seeded_noon")]


def _over_a_cap() -> list[str]:
    """Name every cap over which the reservations are, whatever the ledger says."""
    found = []
    for row in RiskPolicy.objects.all():
        held = (
            RiskReservation.objects.all() if row.engine == GLOBAL else RiskReservation.objects.filter(engine=row.engine)
        )
        taken, times = held.aggregate(taken=Sum("amount"))["taken"] or 0, held.count()
        for cap, used in (
            ("max_daily_exposure", taken),
            ("max_open_risk", taken),
            ("max_actions_per_day", times),
            ("max_actions_per_minute", times),
        ):
            limit = getattr(row, cap)
            if limit is not None and used > limit:
                found.append(f"{row.engine} {cap}: {used} of {limit}")
    return found


@needs_postgresql
@with_and_without_locks
@pytest.mark.parametrize("level", [GLOBAL, "WHOLESALE"])
@pytest.mark.parametrize(
    ("cap", "limit", "backend"),
    [
        ("max_daily_exposure", 5_000, "function"),
        ("max_open_risk", 5_000, "function"),
        ("max_actions_per_day", 7, "function"),
        ("max_actions_per_minute", 7, "function"),
        ("max_daily_exposure", 5_000, "python"),
    ],
    indirect=["backend"],
)
@pytest.mark.usefixtures("backend")
def test_not_one_minor_unit_goes_over_any_cap(
    cap: str, limit: int, level: str, locks: bool, proves: Callable[[Attempt, bool], None]
) -> None:
    policy(level, **{cap: limit})
    engines = ["WHOLESALE"] if level != GLOBAL else ["WHOLESALE", "CAPITAL", "NOTIFY"]

    def attempt() -> list[str]:
        callers = [partial(_several, engines[number % len(engines)]) for number in range(CALLERS // 2)]
        answers = race(*callers)
        room_was_used = "exposure" in cap or "open" in cap
        left = limit - (RiskReservation.objects.aggregate(taken=Sum("amount"))["taken"] or 0) if room_was_used else 0
        return [
            *map(repr, errors(answers)),
            *_over_a_cap(),
            *differences(),
            *(["room was left that was asked for"] if left >= 317 else []),
        ]

    proves(attempt, locks)


def _several(engine: str) -> list[Ruling]:
    return [reserve(engine, 317) for _ in range(3)]


@needs_postgresql
@with_both_backends
@pytest.mark.usefixtures("backend")
@with_and_without_locks
def test_sixteen_callers_with_one_key_get_one_reservation(locks: bool, proves: Callable[[Attempt, bool], None]) -> None:
    def attempt() -> list[str]:
        answers = race(*[partial(reserve, "WHOLESALE", 500, idempotency_key="k")] * CALLERS)
        wrong = [repr(error) for error in errors(answers)]
        if not wrong:
            wrong += [] if all(answer.ok for answer in answers) else ["a caller got no go"]
            wrong += [] if len({answer.reservation.pk for answer in answers}) == 1 else ["several reservations"]
            wrong += [] if sum(not answer.replayed for answer in answers) == 1 else ["granted more than once"]
        wrong += [] if counters() == (500, 500, 0, 1) else [f"counted as {counters()}"]
        return wrong + differences()

    proves(attempt, locks)


@needs_postgresql
@with_and_without_locks
@pytest.mark.parametrize("resolve", ["settle", "release"])
def test_an_expiry_racing_a_settle_or_a_release_resolves_once(
    resolve: str, locks: bool, proves: Callable[[Attempt, bool], None]
) -> None:
    def attempt() -> list[str]:
        held, kept = reserved("WHOLESALE", 700), reserved("WHOLESALE", 11)
        RiskReservation.objects.filter(pk=kept.pk).update(expires_at=NOON + 9 * DAY)
        closing = {
            "settle": partial(services.settle, reservation_id=held.pk, realized_loss=5, actor="bot"),
            "release": partial(services.release, reservation_id=held.pk, actor="bot"),
        }[resolve]
        with clock.at(NOON + DAY), holding_writes("risk_ledger_day"):
            callers = [Caller(closing), Caller(services.expire_some)]
            until_waiting(*callers)
        wrong = [repr(error) for error in errors([caller.outcome() for caller in callers]) if not _is_conflict(error)]
        held.refresh_from_db()
        wrong += [] if held.status in {"SETTLED", "RELEASED", "EXPIRED"} else ["not resolved"]
        wrong += ["the loss is lost"] if resolve == "settle" and held.status != "SETTLED" else []
        freed = RiskEvent.objects.filter(reservation=held).aggregate(sum=Sum("open_risk_delta"))["sum"]
        wrong += [] if freed == 0 else [f"open risk was freed to {freed}"]
        return wrong + differences()

    proves(attempt, locks)


def _is_conflict(error: BaseException) -> bool:
    return isinstance(error, Conflict) and error.code == "already_expired"


@needs_postgresql
@with_and_without_locks
def test_two_settles_with_two_figures_count_one_loss(locks: bool, proves: Callable[[Attempt, bool], None]) -> None:
    def attempt() -> list[str]:
        held = reserved("WHOLESALE", 700)
        settle = partial(services.settle, reservation_id=held.pk, actor="bot")
        with holding_writes("risk_ledger_day"):
            callers = [Caller(partial(settle, realized_loss=loss)) for loss in (3, 4)]
            until_waiting(*callers)
        refused = errors([caller.outcome() for caller in callers])
        wrong = [] if [getattr(error, "code", "") for error in refused] == ["already_settled"] else [repr(refused)]
        return wrong + differences()

    proves(attempt, locks)


@needs_postgresql
@with_both_backends
@pytest.mark.usefixtures("backend")
@with_and_without_locks
def test_midnight_between_two_decisions_loses_no_open_risk(
    locks: bool, proves: Callable[[Attempt, bool], None]
) -> None:
    midnight = NOON + 12 * HOUR

    def attempt() -> list[str]:
        reserved("WHOLESALE", 700)
        with holding_writes("risk_ledger_day"):
            callers = [
                Caller(at(midnight - SECOND, partial(reserve, "WHOLESALE", 300))),
                Caller(at(midnight + SECOND, partial(reserve, "CAPITAL", 20))),
            ]
            until_waiting(*callers)
        wrong = [repr(error) for error in errors([caller.outcome() for caller in callers])]
        open_risk = (counters(GLOBAL, TODAY + DAY) or (0, 0))[1]
        return wrong + ([] if open_risk == 1_020 else [f"open risk is {open_risk}"]) + differences()

    proves(attempt, locks)


@needs_postgresql
@with_both_backends
@pytest.mark.usefixtures("backend")
@with_and_without_locks
def test_who_waited_over_midnight_counts_on_the_new_day(locks: bool, proves: Callable[[Attempt, bool], None]) -> None:
    def attempt() -> list[str]:
        reserved("WHOLESALE", 700)
        with transaction.atomic():
            RiskPolicy.objects.locked(GLOBAL)
            caller = Caller(partial(reserve, "WHOLESALE", 300))
            until_waiting(caller)
            book = ledger.read(NOON + DAY, "WHOLESALE")
            book.taken("WHOLESALE")
            book.write()
        day = caller.told().reservation.day
        used = counters(GLOBAL, TODAY + DAY)
        wrong = [] if day == TODAY + DAY else [f"counted on {day}"]
        return wrong + ([] if used == (300, 1_000, 0, 1) else [f"the new day has {used}"]) + differences()

    proves(attempt, locks)


@needs_postgresql
def test_everything_at_once_ends_in_a_ledger_that_agrees() -> None:
    policy(GLOBAL, max_open_risk=20_000, max_daily_exposure=200_000)
    policy("WHOLESALE", max_open_risk=9_000)

    def work(seed: int) -> None:
        dice = random.Random(seed)
        for step in range(12):
            engine = dice.choice(["WHOLESALE", "CAPITAL", "NOTIFY"])
            with clock.at(NOON + dice.choice([0, 6, 12, 30]) * HOUR):
                ruling = reserve(engine, dice.randint(1, 3_000), actor=str(seed % 4), idempotency_key=str(step))
                held = ruling.reservation
                if held is None or dice.random() < 0.3:
                    services.expire_some()
                    continue
                try:
                    if dice.random() < 0.5:
                        services.settle(reservation_id=held.pk, realized_loss=dice.randint(0, 50), actor="bot")
                    else:
                        services.release(reservation_id=held.pk, actor="bot")
                except Conflict:
                    continue

    answers = race(*[partial(work, seed) for seed in range(CALLERS)])
    assert [error for error in errors(answers) if not isinstance(error, Conflict)] == []
    assert differences() == []
    assert not RiskLedgerDay.objects.filter(engine=GLOBAL, open_risk_reserved__gt=20_000).exists()


@pytest.mark.sqlite
def test_four_workers_on_sqlite_never_meet_a_locked_database() -> None:
    policy(GLOBAL, max_daily_exposure=60)

    def work() -> list[Ruling]:
        rulings = [reserve(amount=1) for _ in range(20)]
        for ruling in rulings[::2]:
            if ruling.reservation:
                services.settle(reservation_id=ruling.reservation.pk, realized_loss=0, actor="bot")
        return rulings

    answers = race(*[work] * 4)
    assert errors(answers) == []
    reasons = [ruling.reason for rulings in answers for ruling in rulings]
    assert sorted(set(reasons)) == ["reserved", "would_exceed_policy"]
    assert reasons.count("reserved") == 60
    assert differences() == []


@needs_postgresql
def test_a_decision_is_one_statement_whatever_comes_of_it() -> None:
    policy("WHOLESALE", max_open_risk=1_000)
    reserved("WHOLESALE", 1_000, idempotency_key="k")
    with clock.at(NOON + DAY):
        for asked, reason in (
            ({"engine": "UNKNOWN"}, "policy_missing"),
            ({"amount": 1_001}, "would_exceed_policy"),  # and expires what is overdue
            ({"amount": 1_000}, "reserved"),
            ({"amount": 1_000, "idempotency_key": "k"}, "reservation_expired"),
        ):
            with CaptureQueriesContext(connection) as queries:
                assert reserve(**asked).reason == reason
            assert len(queries) == 1


@needs_postgresql
def test_over_http_a_decision_is_its_authentication_and_one_statement() -> None:
    client = caller("engine", "WHOLESALE")
    single: dict[str, Any] = {"engine": "WHOLESALE", "amount": 5}
    client.post("/api/governance/risk/check-and-reserve", single)  # the first write leases room for many
    for path, body in (("check-and-reserve", single), ("check-and-reserve/batch", {"items": [single] * 3})):
        with CaptureQueriesContext(connection) as queries:
            assert client.post(f"/api/governance/risk/{path}", body).status_code == 200
        authentication, decision = [query["sql"] for query in queries]
        assert "access_token" in authentication
        assert "risk_reserve_v1" in decision


@pytest.mark.parametrize("service", ["reserve", "settle", "release", "expire_some"])
def test_a_machines_decision_cannot_be_undone_by_its_callers_rollback(service: str) -> None:
    calls: dict[str, Callable[[], Any]] = {
        "reserve": reserve,
        "settle": partial(services.settle, reservation_id=1, realized_loss=0, actor="bot"),
        "release": partial(services.release, reservation_id=1, actor="bot"),
        "expire_some": services.expire_some,
    }
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        calls[service]()
