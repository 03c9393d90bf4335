"""The decision on orders, in Python: the law of the caps applied to what stands under the locks.

SQLite decides by it. On PostgreSQL it is the oracle of ``risk_reserve_v1`` (backends.py), and answers dry runs, which
take no lock and write nothing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import logging
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Sum

from governance import clock, epoch, holds
from riskguard import ledger, rules
from riskguard.decisions import LedgerLine, Order, Ruling
from riskguard.models import RiskEvent, RiskPolicy, RiskReservation
from riskguard.rules import GLOBAL, Denial, Held, Level, Usage

Status = RiskReservation.Status
_log = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """What a decision is made on, all of it read after the locks."""

    order: Order
    now: dt.datetime
    day: dt.date
    epoch: int
    policies: dict[str, RiskPolicy]
    levels: list[Level]
    stop: Denial | None


@transaction.atomic(durable=True)
def decide(orders: Sequence[Order]) -> list[Ruling]:
    """Return the ruling on each of ``orders``, recorded, in their order as if each came alone."""
    # GLOBAL is the mutex of every money path: everything below is read after the wait for it.
    policies = RiskPolicy.objects.locked(GLOBAL, *{order.engine for order in orders})
    now = clock.database_now()
    return [_decide(order, policies, now) for order in orders]


def only_ask(order: Order) -> Ruling:
    """Return what the ruling on ``order``, a dry run, would be."""
    policies = RiskPolicy.objects.filter(engine__in=[GLOBAL, order.engine])
    return _decide(order, {row.engine: row for row in policies}, clock.database_now())


def record_busy(orders: Sequence[Order]) -> None:
    """Record, in a transaction of its own, that the locks were not to be had in time."""
    try:
        with transaction.atomic(durable=True):
            now = clock.database_now()
            day = ledger.day_of(now)
            RiskEvent.objects.bulk_create(
                RiskEvent(
                    at=now, day=day, exposure_day=day, kind=RiskEvent.Kind.DENY, engine=order.engine,
                    amount=order.amount, reason=rules.BUSY, actor=order.actor, correlation_id=order.correlation_id,
                )
                for order in orders
            )  # fmt: skip
    except DatabaseError:
        _log.exception("The refusal of %s could not be recorded", orders[0].engine)


def _decide(order: Order, policies: dict[str, RiskPolicy], now: dt.datetime) -> Ruling:
    scene = _read(order, policies, now)
    earlier = _earlier(order)
    if earlier is not None:
        return _replay(scene, earlier)
    denial = scene.stop or rules.room(scene.levels, order.amount)
    if denial is not None and denial.cap == "max_open_risk":
        scene = _without_overdue(scene)
        denial = rules.room(scene.levels, order.amount)
    return _grant(scene) if denial is None else _refuse(scene, denial)


def _read(order: Order, locked: dict[str, RiskPolicy], now: dt.datetime) -> Scene:
    day, switches = ledger.day_of(now), epoch.current()
    held = [Held(hold.rank, hold.code, hold.reason) for hold in holds.standing(order.engine)]
    policies = {name: locked[name] for name in (GLOBAL, order.engine) if name in locked}
    missing = next((name for name in (GLOBAL, order.engine) if name not in policies), None)
    levels = _levels(policies, day, now)
    stale = order.epoch is not None and order.epoch != switches
    return Scene(order, now, day, switches, policies, levels, rules.stop(levels, missing, held, stale=stale))


def _levels(policies: dict[str, RiskPolicy], day: dt.date, now: dt.datetime) -> list[Level]:
    standing = ledger.standing(day, *policies)
    usages = {
        name: dataclasses.replace(standing[name], actions_last_minute=ledger.actions_last_minute(policy, now))
        for name, policy in policies.items()
    }
    return ledger.levels(policies, usages)


def _without_overdue(scene: Scene) -> Scene:
    """Return the scene after overdue reservations gave their open risk back, or, in a dry run, as if they had."""
    if not scene.order.dry_run:
        while ledger.expire_some(scene.now, scene.day):
            pass
        return dataclasses.replace(scene, levels=_levels(scene.policies, scene.day, scene.now))
    levels = []
    for level in scene.levels:
        overdue = ledger.overdue(scene.now)
        if level.policy != GLOBAL:
            overdue = overdue.filter(engine=level.policy)
        freed = overdue.order_by().aggregate(total=Sum("amount"))["total"] or 0
        usage = dataclasses.replace(level.usage, open_risk_reserved=level.usage.open_risk_reserved - freed)
        levels.append(dataclasses.replace(level, usage=usage))
    return dataclasses.replace(scene, levels=levels)


def _earlier(order: Order) -> RiskReservation | None:
    """Return the reservation that the caller's key already has."""
    if order.idempotency_key is None:
        return None
    return RiskReservation.objects.filter(actor=order.actor, idempotency_key=order.idempotency_key).first()


def _replay(scene: Scene, earlier: RiskReservation) -> Ruling:
    """Answer a retry. It never turns a stop into a go: a hold, or a reservation that is resolved, is no go."""
    if earlier.body_digest != scene.order.digest():
        return _ruling(scene, rules.KEY_REUSED)
    if scene.stop is not None:
        reason = scene.stop.reason
    else:
        reason = rules.RESERVED if earlier.status == Status.OPEN else f"reservation_{earlier.status.lower()}"
    return _ruling(scene, reason, reservation=earlier, denial=scene.stop, replayed=True)


def _refuse(scene: Scene, denial: Denial) -> Ruling:
    order = scene.order
    if not order.dry_run:
        _event(
            scene, RiskEvent.Kind.DENY, denial.reason, policy=denial.policy, cap=denial.cap, limit=denial.limit,
            used=denial.used, figures=ledger.figures(scene.levels),
        )  # fmt: skip
    return _ruling(scene, denial.reason, denial=denial)


def _grant(scene: Scene) -> Ruling:
    order = scene.order
    if order.dry_run:
        return _ruling(scene, rules.RESERVED)
    book = ledger.opened(scene.day, [order.engine])
    ledger.take(book, order.engine, order.amount)
    reservation = RiskReservation.objects.create(
        engine=order.engine,
        amount=order.amount,
        currency=settings.VALHALLA_CURRENCY,
        day=scene.day,
        actor=order.actor,
        idempotency_key=order.idempotency_key,
        body_digest=order.digest(),
        correlation_id=order.correlation_id,
        epoch=scene.epoch,
        created_at=scene.now,
        expires_at=scene.now + dt.timedelta(seconds=settings.VALHALLA_RESERVATION_TTL_SECONDS),
    )
    after = dataclasses.replace(scene, levels=[_taken(level, book) for level in scene.levels])
    _event(
        after, RiskEvent.Kind.RESERVE, rules.RESERVED, reservation=reservation, exposure_delta=order.amount,
        open_risk_delta=order.amount, actions_delta=1, figures=ledger.figures(after.levels),
    )  # fmt: skip
    return _ruling(after, rules.RESERVED, reservation=reservation)


def _taken(level: Level, book: ledger.Book) -> Level:
    """Return the level as it stands after a grant."""
    counted = level.caps.max_actions_per_minute is not None
    usage = book[level.policy].usage()
    return dataclasses.replace(
        level,
        usage=dataclasses.replace(usage, actions_last_minute=level.usage.actions_last_minute + 1 if counted else 0),
    )


def _ruling(
    scene: Scene,
    reason: str,
    *,
    reservation: RiskReservation | None = None,
    denial: Denial | None = None,
    replayed: bool = False,
) -> Ruling:
    engine = scene.order.engine
    usage = next((level.usage for level in scene.levels if level.policy == engine), Usage())
    policy = scene.policies.get(engine)
    return Ruling(
        order=scene.order,
        reason=reason,
        epoch=scene.epoch,
        reservation=reservation,
        denial=denial,
        policy=policy,
        ledger=LedgerLine(scene.day, engine, usage, policy) if policy else None,
        replayed=replayed,
    )


def _event(scene: Scene, kind: str, reason: str, **figures: Any) -> None:
    RiskEvent.objects.create(
        at=scene.now,
        day=scene.day,
        exposure_day=scene.day,
        kind=kind,
        engine=scene.order.engine,
        amount=scene.order.amount,
        reason=reason,
        actor=scene.order.actor,
        correlation_id=scene.order.correlation_id,
        **figures,
    )
