"""How an engine acts behind four levers: reserve, authorize, act, settle, report. A refusal undoes what was taken."""

from __future__ import annotations

import dataclasses

from django.db import DataError, IntegrityError

from examples.deals.models import Deal
from governance import clock
from governance.errors import Conflict, NotFound
from heimdall import services as heimdall
from regression import services as regression
from riskguard import services as riskguard
from riskguard.holding import ALREADY_RESERVED, Refused

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
    try:
        with riskguard.hold(
            ENGINE, offer.amount, actor=actor, idempotency_key=idempotency_key, correlation_id=offer.title[:64],
            epoch=epoch,
        ) as hold:  # fmt: skip
            try:
                made = _book(offer, hold.id, actor)
            except (NotFound, DataError, IntegrityError):
                hold.release()  # nothing is booked, for certain; after any other error it may be
                raise
            if isinstance(made, Refusal):
                hold.release()
                return made
            hold.settle(offer.realized_loss)
    except Refused as refused:
        return _refused(refused, offer, actor)
    regression.record_kpi(domain=ENGINE, metric=METRIC, success=offer.signed, actor=actor)
    _turned_out(made, actor)
    return made


def _book(offer: Offer, reservation_id: int, actor: str) -> Deal | Refusal:
    if offer.recommendation_id is not None:
        authorization = heimdall.authorize(recommendation_id=offer.recommendation_id, actor=actor)
        if not authorization.ok:
            return Refusal("heimdall", authorization.reason, authorization.message)
    return Deal.objects.create(
        **dataclasses.asdict(offer), reservation_id=reservation_id, actor=actor, created_at=clock.now()
    )


def _refused(refused: Refused, offer: Offer, actor: str) -> Deal | Refusal:
    held = refused.reservation
    booked = Deal.objects.filter(reservation_id=held.pk).first() if held else None
    if held is not None and (booked is not None or refused.reason == ALREADY_RESERVED):
        return _again(held.pk, booked, offer, actor)
    return Refusal("riskguard", refused.reason, refused.message)


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
    # Where the first call broke off after the booking, this ends it; a second settle or outcome answers the same.
    riskguard.settle(reservation_id=reservation_id, realized_loss=booked.realized_loss, actor=actor)
    _turned_out(booked, actor)
    return booked


def _turned_out(deal: Deal, actor: str) -> None:
    """Tell what came of the recommendation that a deal was made on."""
    if deal.recommendation_id is not None:
        heimdall.record_outcome(recommendation_id=deal.recommendation_id, success=deal.signed, actor=actor)
