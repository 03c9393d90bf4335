"""What becomes of a reservation when its block is left: never a release, since the action may have happened."""

from __future__ import annotations

import logging

from valhalla_governor.answers import Reservation
from valhalla_governor.errors import Unsettled

_log = logging.getLogger("valhalla_governor")


class Held:
    """A reservation that is open until it is settled, released, or left open on purpose."""

    def __init__(self, reservation: Reservation) -> None:
        """Hold ``reservation``."""
        self.reservation = reservation
        self._ended = False

    @property
    def id(self) -> int:
        """Return the reservation's id."""
        return self.reservation.id

    def keep_open(self) -> None:
        """Leave the reservation open on purpose: how the action ends is known later, and settled by its id."""
        self._ended = True

    def _left(self, error: BaseException | None) -> None:
        """Leave the block. Open, it stays open: it counts against the caps until it is settled or expires."""
        if self._ended:
            return
        if error is None:
            raise Unsettled(self.id, "The block was left without settle, release or keep_open.")
        if isinstance(error, Unsettled) and error.reservation_id == self.id:
            return
        told = f"Reservation {self.id} is still open: settle it, or release it if the action never happened."
        error.add_note(told)
        _log.warning("%s", told)
