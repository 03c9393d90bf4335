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

from governance import clock, epoch, holds, rows
from riskguard import ledger, rules
from riskguard.decisions import LedgerLine, Order, Ruling
from riskguard.models import RiskEvent, RiskPolicy, RiskReservation
from riskguard.rules import GLOBAL, Denial, Held, Level, Usage

Status = RiskReservation.Status
_EARLIER = "SELECT * FROM risk_reservation WHERE actor = %s AND idempotency_key = %s"
_log = logging.getLogger(__name__)


@dataclasses.dataclass(slots=True)
class Standing:
    """What the orders of a call are decided on, all of it read after the locks; each grant moves it on."""

    now: dt.datetime
    policies: dict[str, RiskPolicy]
    book: ledger.Book
    last_minute: dict[str, int]

    def levels(self, engine: str) -> list[Level]:
        """Return the levels of ``engine`` whose policies exist, GLOBAL first."""
        return [
            ledger.level(self.policies[name], self.book.rows[name].usage(self.last_minute[name]))
            for name in (GLOBAL, engine)
            if name in self.policies
        ]

    def take(self, engine: str, amount: int) -> None:
        """Take ``amount`` out of the room of both levels."""
        self.book.take(engine, amount)
        for name in (GLOBAL, engine):
            self.last_minute[name] += self.policies[name].max_actions_per_minute is not None


@dataclasses.dataclass(frozen=True, slots=True)
class Scene:
    """What one decision is made on."""

    order: Order
    standing: Standing
    epoch: int
    levels: list[Level]
    stop: Denial | None


@transaction.atomic(durable=True)
def decide(orders: Sequence[Order]) -> list[Ruling]:
    """Return the ruling on each of ``orders``, recorded, in their order as if each came alone."""
    # GLOBAL is the mutex of every money path: everything below is read after the wait for it.
    policies = RiskPolicy.objects.locked(GLOBAL, *{order.engine for order in orders})
    standing = _standing(policies)
    rulings = [_decide(order, standing) for order in orders]
    standing.book.write()
    return rulings


def only_ask(order: Order) -> Ruling:
    """Return what the ruling on ``order``, a dry run, would be."""
    return _decide(order, _standing(RiskPolicy.objects.read(GLOBAL, order.engine)))


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


def _standing(policies: dict[str, RiskPolicy]) -> Standing:
    now = clock.database_now()
    last_minute = {name: ledger.actions_last_minute(policy, now) for name, policy in policies.items()}
    return Standing(now, policies, ledger.read(now, *policies), last_minute)


def _decide(order: Order, standing: Standing) -> Ruling:
    scene = _read(order, standing)
    earlier = _earlier(order)
    if earlier is not None:
        return _replay(scene, earlier)
    denial = scene.stop or rules.room(scene.levels, order.amount)
    if denial is not None and denial.cap == "max_open_risk":
        scene = _without_overdue(scene)
        denial = rules.room(scene.levels, order.amount)
    return _grant(scene) if denial is None else _refuse(scene, denial)


def _read(order: Order, standing: Standing) -> Scene:
    """Return the scene of ``order``: the epoch and the holds are read for each, so that a kill switch stops a batch."""
    switches = epoch.current()
    held = [Held(hold.rank, hold.code, hold.reason) for hold in holds.standing(order.engine)]
    levels = standing.levels(order.engine)
    missing = next((name for name in (GLOBAL, order.engine) if name not in standing.policies), None)
    stale = order.epoch is not None and order.epoch != switches
    return Scene(order, standing, switches, levels, rules.stop(levels, missing, held, stale=stale))


def _without_overdue(scene: Scene) -> Scene:
    """Return the scene after overdue reservations gave their open risk back, or, in a dry run, as if they had."""
    standing, engine = scene.standing, scene.order.engine
    if not scene.order.dry_run:
        standing.book.write()
        while ledger.expire_some(standing.now) == ledger.EXPIRY_BATCH:
            pass
        standing.book = ledger.read(standing.now, *standing.policies)
        return dataclasses.replace(scene, levels=standing.levels(engine))
    levels = []
    for level in scene.levels:
        overdue = ledger.overdue(standing.now)
        if level.policy != GLOBAL:
            overdue = overdue.filter(engine=level.policy)
        freed = overdue.aggregate(total=Sum("amount"))["total"] or 0
        usage = dataclasses.replace(level.usage, open_risk_reserved=level.usage.open_risk_reserved - freed)
        levels.append(dataclasses.replace(level, usage=usage))
    return dataclasses.replace(scene, levels=levels)


def _earlier(order: Order) -> RiskReservation | None:
    """Return the reservation that the caller's key already has."""
    if order.idempotency_key is None:
        return None
    return rows.one(RiskReservation, _EARLIER, [order.actor, order.idempotency_key])


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
    order, standing = scene.order, scene.standing
    if order.dry_run:
        return _ruling(scene, rules.RESERVED)
    standing.take(order.engine, order.amount)
    reservation = RiskReservation.objects.create(
        engine=order.engine,
        amount=order.amount,
        currency=settings.VALHALLA_CURRENCY,
        day=standing.book.day,
        actor=order.actor,
        idempotency_key=order.idempotency_key,
        body_digest=order.digest(),
        correlation_id=order.correlation_id,
        epoch=scene.epoch,
        created_at=standing.now,
        expires_at=standing.now + dt.timedelta(seconds=settings.VALHALLA_RESERVATION_TTL_SECONDS),
    )
    after = dataclasses.replace(scene, levels=standing.levels(order.engine))
    _event(
        after, RiskEvent.Kind.RESERVE, rules.RESERVED, reservation=reservation, exposure_delta=order.amount,
        open_risk_delta=order.amount, actions_delta=1, figures=ledger.figures(after.levels),
    )  # fmt: skip
    return _ruling(after, rules.RESERVED, reservation=reservation)


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
    policy = scene.standing.policies.get(engine)
    return Ruling(
        order=scene.order,
        reason=reason,
        epoch=scene.epoch,
        reservation=reservation,
        denial=denial,
        policy=policy,
        ledger=LedgerLine(scene.standing.book.day, engine, usage, policy) if policy else None,
        replayed=replayed,
    )


def _event(scene: Scene, kind: str, reason: str, **figures: Any) -> None:
    RiskEvent.objects.create(
        at=scene.standing.now,
        day=scene.standing.book.day,
        exposure_day=scene.standing.book.day,
        kind=kind,
        engine=scene.order.engine,
        amount=scene.order.amount,
        reason=reason,
        actor=scene.order.actor,
        correlation_id=scene.order.correlation_id,
        **figures,
    )
