"""How an engine acts behind four levers: reserve, authorize, act, settle, report. A refusal undoes what was taken."""

from __future__ import annotations

import dataclasses

from examples.deals.models import Deal
from governance import clock
from governance.errors import Conflict
from heimdall import services as heimdall
from regression import services as regression
from riskguard import services as riskguard

ENGINE, METRIC = "WHOLESALE", "contract_rate"


@dataclasses.dataclass(frozen=True, slots=True)
class Offer:
    """What is offered; ``amount`` and ``realized_loss`` in minor units."""

    title: str
    amount: int
    signed: bool = True
    realized_loss: int = 0
    recommendation_id: int | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """Which lever said no, and why."""

    lever: str
    reason: str
    message: str


def make(*, offer: Offer, actor: str, idempotency_key: str | None = None, epoch: int | None = None) -> Deal | Refusal:
    """Make an offer if every lever lets it, and book it; the same key and offer book one deal.

    ``epoch`` is the one that the gate admitted the request under. Conflict where the key was used for another offer, or
    where its first call has not ended.
    """
    ruling = riskguard.reserve(
        engine=ENGINE,
        amount=offer.amount,
        actor=actor,
        idempotency_key=idempotency_key,
        correlation_id=offer.title[:64],
        epoch=epoch,
    )
    if ruling.replayed and ruling.reservation is not None:
        booked = Deal.objects.filter(reservation_id=ruling.reservation.pk).first()
        if booked is not None or ruling.ok:
            return _again(ruling.reservation.pk, booked, offer, actor)
    if not ruling.ok or ruling.reservation is None:
        return Refusal("riskguard", ruling.reason, ruling.message)
    reservation_id = ruling.reservation.pk
    try:
        if offer.recommendation_id is not None:
            authorization = heimdall.authorize(recommendation_id=offer.recommendation_id, actor=actor)
            if not authorization.ok:
                riskguard.release(reservation_id=reservation_id, actor=actor)
                return Refusal("heimdall", authorization.reason, authorization.message)
        deal = Deal.objects.create(
            **dataclasses.asdict(offer), reservation_id=reservation_id, actor=actor, created_at=clock.now()
        )
    except Exception:
        # The offer was not made, so its exposure goes back before the error goes on.
        riskguard.release(reservation_id=reservation_id, actor=actor)
        raise
    riskguard.settle(reservation_id=reservation_id, realized_loss=offer.realized_loss, actor=actor)
    regression.record_kpi(domain=ENGINE, metric=METRIC, success=offer.signed, actor=actor)
    return deal


def _again(reservation_id: int, booked: Deal | None, offer: Offer, actor: str) -> Deal:
    """Answer a retry with the deal that its first call booked.

    A retry takes no step of its own: beside a first call that is still under way, it would act, or release, twice.
    """
    if booked is None:
        message = (
            f"An offer with this key is being made, or broke off: look at reservation {reservation_id}, and settle or "
            "release it before you try again with another key."
        )
        raise Conflict("in_progress", message)
    if any(getattr(booked, name) != value for name, value in dataclasses.asdict(offer).items()):
        raise Conflict("idempotency_key_reused", "This idempotency key was used for another offer.")
    # Where the first call broke off after the booking, this ends it; a second settle answers the same.
    riskguard.settle(reservation_id=reservation_id, realized_loss=booked.realized_loss, actor=actor)
    return booked
