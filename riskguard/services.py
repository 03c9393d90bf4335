"""The only writes of the risk guard. A money path locks GLOBAL, then the engine, and reads after the wait."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.db import OperationalError, transaction

from governance import clock, grants, metrics, rows
from governance.changes import Refused
from governance.database import is_lock_timeout, locking
from governance.errors import Conflict, Invalid, NotFound
from governance.money import MAX_MINOR
from riskguard import backends, holding, ledger, policies, reserving, rules, telling
from riskguard.decisions import MAX_ORDERS, LedgerLine, Order, Resolution, Ruling
from riskguard.holding import Hold
from riskguard.models import RiskEvent, RiskPolicy, RiskReservation
from riskguard.rules import GLOBAL, Denial

Status = RiskReservation.Status
_RESERVATION = "SELECT * FROM risk_reservation WHERE id = %s"
_log = logging.getLogger(__name__)


def reserve(
    *,
    engine: str,
    amount: int,
    actor: str,
    idempotency_key: str | None = None,
    correlation_id: str = "",
    epoch: int | None = None,
    dry_run: bool = False,
) -> Ruling:
    """Take ``amount`` minor units out of today's room of GLOBAL and ``engine``, or say why not.

    A refusal is returned, not raised, so that its record commits with it; ``ok`` is the only go. The same key and
    body give the same reservation (Conflict for another body). ``epoch`` is the one that the request was admitted
    under: another one by now refuses it. ``dry_run`` says what would happen and changes nothing.
    """
    order = Order(
        engine=engine, amount=amount, actor=actor, idempotency_key=idempotency_key or None,
        correlation_id=correlation_id, epoch=epoch, dry_run=dry_run,
    )  # fmt: skip
    _check(order)
    ruling = reserving.only_ask(order) if dry_run else _decided([order])[0]
    if ruling.reason == rules.KEY_REUSED:
        raise Conflict(ruling.reason, ruling.message)
    return ruling


def reserve_many(*, orders: Sequence[Order]) -> list[Ruling]:
    """Decide up to 1,000 orders in one transaction, each in turn as if it came alone, and answer each in its place.

    A refusal of one stops no other, and neither does a key that was used with another body (its reason says so).
    A malformed order is Invalid, names its place and field, and nothing is decided; so is a dry run.
    """
    if not 1 <= len(orders) <= MAX_ORDERS:
        raise Invalid({"items": [f"Must be 1 to {MAX_ORDERS} orders."]})
    errors = {}
    for place, order in enumerate(orders):
        try:
            _check(order)
        except Invalid as wrong:
            errors.update({f"items.{place}.{field}": said for field, said in wrong.errors.items()})
        if order.dry_run:
            errors[f"items.{place}.dry_run"] = ["A batch reserves: ask what would happen one at a time."]
    if errors:
        raise Invalid(errors)
    return _decided(orders)


def hold(
    engine: str,
    amount: int,
    *,
    actor: str,
    idempotency_key: str | None = None,
    correlation_id: str = "",
    epoch: int | None = None,
) -> Hold:
    """Reserve for a ``with`` block, which settles or releases; Refused, before it is entered, where it may not be.

    A block that is left with its reservation open leaves it open, see ``holding``.
    """
    ruling = reserve(
        engine=engine, amount=amount, actor=actor, idempotency_key=idempotency_key, correlation_id=correlation_id,
        epoch=epoch,
    )  # fmt: skip
    return Hold(holding.granted(ruling), actor, settle, release)


@transaction.atomic(durable=True)
def settle(*, reservation_id: int, realized_loss: int, actor: str) -> Resolution:
    """Free the open risk of a reservation, keep its exposure, and count ``realized_loss`` (minor units) today.

    Never refused for the state of any control. A second settle with the same figure answers the same; with another,
    or of a released reservation, it is a Conflict. An expired one is settled once.
    """
    _whole("realized_loss", realized_loss, least=0)
    held, levels = _locked(reservation_id)
    now = clock.database_now()
    book = ledger.read(now, held.engine)
    if held.status == Status.SETTLED and held.realized_loss == realized_loss:
        return _resolution(held, levels, book)
    if held.status not in {Status.OPEN, Status.EXPIRED}:
        raise Conflict(f"already_{held.status.lower()}", _resolved_already(held))
    given_back = ledger.close(book, held, Status.SETTLED, now=now, actor=actor)
    held.realized_loss, held.settled_day, held.needs_review = realized_loss, book.day, False
    held.save()
    for row in book.taken(held.engine):
        row.realized_loss += realized_loss
    book.write()
    _resolved(held, RiskEvent.Kind.SETTLE, now, book.day, actor, open_risk=-given_back, loss=realized_loss)
    settled = _resolution(held, levels, book)
    telling.loss_caps(settled.ledger if realized_loss else ())
    return settled


@transaction.atomic(durable=True)
def release(*, reservation_id: int, actor: str) -> Resolution:
    """Give a reservation back whose action never happened: exposure to its day, open risk today, not the action.

    Never refused for the state of any control. A second release answers the same; a settled or expired one is a
    Conflict (settle an expired one with a loss of 0).
    """
    held, levels = _locked(reservation_id)
    now = clock.database_now()
    book = ledger.read(now, held.engine)
    if held.status == Status.RELEASED:
        return _resolution(held, levels, book)
    if held.status != Status.OPEN:
        raise Conflict(f"already_{held.status.lower()}", _resolved_already(held))
    given_back = ledger.close(book, held, Status.RELEASED, now=now, actor=actor)
    held.save()
    ledger.give_back_exposure(book, held)
    book.write()
    _resolved(held, RiskEvent.Kind.RELEASE, now, book.day, actor, open_risk=-given_back, exposure=-held.amount)
    return _resolution(held, levels, book)


@transaction.atomic(durable=True)
def expire_some() -> int:
    """Expire a batch of overdue reservations and return how many; 0 says that none is left."""
    RiskPolicy.objects.locked(GLOBAL)
    return ledger.expire_some(clock.database_now())


@transaction.atomic
def set_policy(*, engine: str, patch: Mapping[str, Any], actor: str, reason: str = "") -> RiskPolicy | Refused:
    """Change the fields of a policy that ``patch`` names (money in minor units), creating a disabled one if need be.

    With ``until`` what the patch loosens goes back at that time to how it stood. Refused where it would enable a policy
    that is retired, or that a tripwire has pulled and nobody has re-armed. Raises Invalid for an end of nothing.
    """
    policy = policies.locked_policy(engine)
    refusal = policies.why_not(policy, patch)
    if refusal is not None:
        return refusal
    grants.demand(rules.loosens(policy.standing(patch), patch))
    return policies.write(policy, patch, actor, reason)


@transaction.atomic
def throttle(*, engine: str, actor: str, reason: str) -> RiskPolicy:
    """Disable the policy of ``engine``, creating it disabled where there is none. Never refused."""
    return policies.write(policies.locked_policy(engine), {"enabled": False}, actor, reason)


def _check(order: Order) -> None:
    if order.engine == GLOBAL:
        raise Invalid({"engine": ["GLOBAL is a ceiling over all engines, not an engine: name the engine that acts."]})
    _whole("amount", order.amount, least=1)


def _decided(orders: Sequence[Order]) -> list[Ruling]:
    """Return the rulings on ``orders``; that the locks were not to be had in time is one too.

    Who meets an override that has ended ends it, and asks again: neither a decision nor the engine waits for the job.
    """
    try:
        rulings = backends.decide(orders)
        ended = [place for place, ruling in enumerate(rulings) if ruling.reason == rules.OVERRIDE_ENDED]
        if ended:
            policies.end_overrides()
            anew = backends.decide([orders[place] for place in ended])
            for place, ruling in zip(ended, anew, strict=True):
                rulings[place] = ruling
        return _counted(rulings)
    except OperationalError as late:
        if not is_lock_timeout(late):
            raise
        _log.warning("The ledger was busy when %s asked for room: %s", orders[0].engine, late)
    reserving.record_busy(orders)
    return _counted([Ruling(order=order, reason=rules.BUSY, epoch=None, denial=Denial(rules.BUSY)) for order in orders])


def _counted(rulings: list[Ruling]) -> list[Ruling]:
    for ruling in rulings:
        metrics.decided(
            lever=policies.SOURCE, engine=ruling.policy.engine if ruling.policy else None, reason=ruling.reason
        )
    return rulings


def _locked(reservation_id: int) -> tuple[RiskReservation, dict[str, RiskPolicy]]:
    """Return a reservation under the locks of its policies, and these; NotFound where there is none."""
    found = rows.one(RiskReservation, _RESERVATION, [reservation_id])
    if found is None:
        raise NotFound(f"There is no reservation {reservation_id}.")
    levels = RiskPolicy.objects.locked(GLOBAL, found.engine)
    (held,) = rows.selected(RiskReservation, locking(_RESERVATION), [reservation_id])
    return held, levels


def _whole(field: str, minor: int, *, least: int) -> None:
    """Refuse what is no whole number of minor units: a float or a boolean would be stored as some integer."""
    if type(minor) is not int or not least <= minor <= MAX_MINOR:
        raise Invalid({field: [f"Must be a whole number of minor units, from {least} to {MAX_MINOR}."]})


def _resolved_already(held: RiskReservation) -> str:
    advice = " Settle it with a loss of 0 if the action never happened." if held.status == Status.EXPIRED else ""
    return f"Reservation {held.pk} is {held.status.lower()} already.{advice}"


def _resolved(
    held: RiskReservation,
    kind: str,
    now: datetime,
    day: date,
    actor: str,
    *,
    open_risk: int,
    loss: int = 0,
    exposure: int = 0,
) -> None:
    RiskEvent.objects.create(
        at=now, day=day, kind=kind, engine=held.engine, reservation=held, amount=held.amount,
        reason=held.status.lower(), exposure_day=held.day, exposure_delta=exposure, open_risk_delta=open_risk,
        loss_delta=loss, actor=actor, correlation_id=held.correlation_id,
    )  # fmt: skip


def _resolution(held: RiskReservation, levels: Mapping[str, RiskPolicy], book: ledger.Book) -> Resolution:
    lines = [LedgerLine(book.day, name, book.rows[name].usage(), levels.get(name)) for name in (GLOBAL, held.engine)]
    reached = [line.engine for line in lines if line.has_reached_loss_cap]
    return Resolution(held, lines, {"loss_cap_reached": bool(reached), "reached_by": reached})
