"""A reservation as a block, for engines in this process: the words of the client that other processes use.

Leaving a block never releases: the action may have happened by then, and to give back the exposure of something that
happened would let the engine pass its caps. What stays open counts until it is settled, or expires.
"""

from __future__ import annotations

from types import TracebackType
from typing import Protocol, Self

from riskguard.decisions import Resolution, Ruling
from riskguard.models import RiskReservation

ALREADY_RESERVED = "already_reserved"


class Settle(Protocol):
    """services.settle."""

    def __call__(self, *, reservation_id: int, realized_loss: int, actor: str) -> Resolution:
        """Settle."""


class Release(Protocol):
    """services.release."""

    def __call__(self, *, reservation_id: int, actor: str) -> Resolution:
        """Release."""


class Refused(Exception):
    """The engine must not act, and the block was not entered; ``reservation`` is what its key has already."""

    def __init__(self, reason: str, message: str, reservation: RiskReservation | None) -> None:
        """Keep the reason for machines and the message for people."""
        self.reason, self.message, self.reservation = reason, message, reservation
        super().__init__(f"{reason}: {message}")


class Unsettled(RuntimeError):
    """A block was left without saying how its action ended; the reservation is still open."""


class Hold:
    """A reservation that is open until it is settled, released, or left open on purpose."""

    def __init__(self, reservation: RiskReservation, actor: str, settle: Settle, release: Release) -> None:
        """Hold ``reservation`` of ``actor``."""
        self.reservation = reservation
        self._actor, self._settle, self._release = actor, settle, release
        self._ended = False

    @property
    def id(self) -> int:
        """Return the reservation's id."""
        return self.reservation.pk

    def settle(self, realized_loss: int) -> Resolution:
        """Say that the action has happened, and what it lost (minor units, 0 for nothing)."""
        settled = self._settle(reservation_id=self.id, realized_loss=realized_loss, actor=self._actor)
        self._ended = True
        return settled

    def release(self) -> Resolution:
        """Say that the action has not happened, and never will."""
        released = self._release(reservation_id=self.id, actor=self._actor)
        self._ended = True
        return released

    def keep_open(self) -> None:
        """Leave the reservation open on purpose: how the action ends is known later, and settled by its id."""
        self._ended = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        if self._ended:
            return
        told = f"Reservation {self.id} is still open: settle it, or release it if the action never happened."
        if error is None:
            raise Unsettled(told)
        error.add_note(told)


def granted(ruling: Ruling) -> RiskReservation:
    """Return what a ruling granted to this very call, or raise Refused: whoever had the key before may have acted."""
    held = ruling.reservation
    if not ruling.ok or held is None:
        raise Refused(ruling.reason, ruling.message, held)
    if ruling.replayed:
        message = f"The key has reservation {held.pk} already: find out whether its action happened, and end it."
        raise Refused(ALREADY_RESERVED, message, held)
    return held
