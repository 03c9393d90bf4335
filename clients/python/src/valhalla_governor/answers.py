"""What the governor answers, as values. What cannot be read as a clear go is none."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any

from valhalla_governor.errors import Refused, Unavailable


@dataclasses.dataclass(frozen=True, slots=True)
class Reservation:
    """Room that was taken for an action; ``amount`` in minor units.

    ``replayed``: the key had it before this call.
    """

    id: int
    engine: str
    amount: int
    currency: str
    expires_at: dt.datetime
    epoch: int
    replayed: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Settlement:
    """A reservation that has ended. ``loss_cap_reached``: a daily loss cap is used up, GLOBAL's or the engine's."""

    reservation_id: int
    status: str
    realized_loss: int | None
    loss_cap_reached: bool
    reached_by: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Recommendation:
    """A stored recommendation: ``prod_eligible`` as things stood, and why (``gate_reason``)."""

    id: int
    domain: str
    prod_eligible: bool
    gate_reason: str


def go(body: Mapping[str, Any]) -> None:
    """Raise Refused unless the answer is a go."""
    if body.get("ok") is not True:
        held = body.get("reservation_id")
        raise Refused(
            str(body.get("reason") or "refused"),
            str(body.get("message", "")),
            reservation_id=held if isinstance(held, int) else None,
        )


def reservation(body: Mapping[str, Any], engine: str, amount: int) -> Reservation:
    """Return what was granted: exactly what was asked for, or it is no grant."""
    go(body)
    try:
        granted = Reservation(
            id=_whole(body["reservation_id"]),
            engine=body["engine"],
            amount=_whole(body["amount"]),
            currency=str(body["currency"]),
            expires_at=dt.datetime.fromisoformat(body["expires_at"]),
            epoch=_whole(body["epoch"]),
            replayed=body["replayed"] is not False,
        )
    except (KeyError, TypeError, ValueError) as odd:
        raise Unavailable(f"The answer cannot be read as a grant: {odd!r}.") from odd
    if (granted.engine, granted.amount, body.get("status")) != (engine.strip().upper(), amount, "OPEN"):
        raise Unavailable(f"The answer grants something else than {amount} for {engine}: {dict(body)}")
    return granted


def settlement(body: Mapping[str, Any]) -> Settlement:
    """Return how a reservation has ended."""
    try:
        held, flags = body["reservation"], body["flags"]
        return Settlement(
            reservation_id=_whole(held["id"]),
            status=str(held["status"]),
            realized_loss=held["realized_loss"],
            loss_cap_reached=bool(flags["loss_cap_reached"]),
            reached_by=tuple(flags["reached_by"]),
        )
    except (KeyError, TypeError) as odd:
        raise Unavailable(f"The answer cannot be read as a settlement: {odd!r}.") from odd


def recommendation(body: Mapping[str, Any]) -> Recommendation:
    """Return how a recommendation was stored."""
    try:
        return Recommendation(
            id=_whole(body["id"]),
            domain=str(body["domain"]),
            prod_eligible=body["prod_eligible"] is True,
            gate_reason=str(body["gate_reason"]),
        )
    except (KeyError, TypeError) as odd:
        raise Unavailable(f"The answer cannot be read as a recommendation: {odd!r}.") from odd


def _whole(told: Any) -> int:
    if type(told) is not int:
        raise TypeError(f"{told!r} is no whole number")
    return told
