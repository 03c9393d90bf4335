"""The client for engines with threads, or none."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from valhalla_governor.answers import Recommendation, Reservation, Settlement
from valhalla_governor.buffer import Batch, Buffering
from valhalla_governor.events import Event
from valhalla_governor.holding import Held
from valhalla_governor.lines import Line, checked_address
from valhalla_governor.operations import Operations
from valhalla_governor.reporting import Reporter
from valhalla_governor.retrying import Patience


class Hold(Held):
    """A reservation as a block: settle it within, or release it where the action never happened.

    A block that is left while it is open leaves it open: it counts against the caps until it is settled, or expires
    and is put before a person. Without an exception that is an error of the engine's, and raises Unsettled.
    """

    def __init__(self, governor: Governor, reservation: Reservation) -> None:
        """Hold ``reservation`` of ``governor``."""
        super().__init__(reservation)
        self._governor = governor

    def settle(self, realized_loss: int) -> Settlement:
        """Say that the action has happened, and what it lost (minor units, 0 for nothing); Unsettled if untold."""
        settled = self._governor.settle(self.id, realized_loss)
        self._ended = True
        return settled

    def release(self) -> Settlement:
        """Say that the action has not happened, and never will; Unsettled where the governor could not be told."""
        released = self._governor.release(self.id)
        self._ended = True
        return released

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        self._left(error)


class Governor:
    """One engine's line to Valhalla; threads may share it, processes may not."""

    def __init__(
        self,
        base_url: str,
        *,
        actor: str,
        token: str | None = None,
        patience: Patience = Patience(),  # noqa: B008 -- it cannot be changed
        buffering: Buffering = Buffering(),  # noqa: B008 -- it cannot be changed
        verify: ssl.SSLContext | bool = True,
    ) -> None:
        """Name the site, such as https://valhalla.example, and who asks; ``verify`` is httpx's. Nothing is sent."""
        self._operations = Operations(actor, patience)
        self._line = Line(checked_address(base_url), token, verify)
        self._reporter = Reporter(self._report, buffering, patience)
        self._patience = patience

    def reserve(
        self,
        engine: str,
        amount: int,
        *,
        key: str | None = None,
        resume: bool = False,
        epoch: int | None = None,
        correlation_id: str = "",
    ) -> Hold:
        """Reserve ``amount`` (minor units: 50_000 is 500.00) for an action of ``engine``, or raise Refused.

        A key is made for each call, so that its retries are one reservation. Give one of your own (an order's id) to
        have that hold through a crash of the engine as well: a key that has a reservation already is then refused with
        ``already_reserved``, unless you ``resume`` it, knowing that the action never happened. ``epoch`` is epoch_of()
        the request that asked for the action: where the switches were turned since, it is refused.
        """
        steps = self._operations.reserve(
            engine, amount, key=key, resume=resume, epoch=epoch, correlation_id=correlation_id
        )
        return Hold(self, self._line.drive(steps))

    def settle(self, reservation_id: int, realized_loss: int) -> Settlement:
        """Settle a reservation by its id, as Hold.settle does."""
        return self._line.drive(self._operations.settle(reservation_id, realized_loss))

    def release(self, reservation_id: int) -> Settlement:
        """Release a reservation by its id, as Hold.release does."""
        return self._line.drive(self._operations.release(reservation_id))

    def recommend(
        self,
        domain: str,
        confidence: float,
        recommendation: Mapping[str, Any],
        evidence: Mapping[str, Any] | None = None,
    ) -> Recommendation:
        """Store what an AI recommends (JSON objects), and return its id with how it stands."""
        steps = self._operations.recommend(domain, confidence, recommendation, evidence or {})
        return self._line.drive(steps)

    def require_eligible(self, recommendation_id: int) -> None:
        """Return where the recommendation may act, now and this once; raise Refused where it may not."""
        self._line.drive(self._operations.require_eligible(recommendation_id))

    def record_kpi(
        self,
        domain: str,
        metric: str,
        *,
        success: bool | None = None,
        value: float | None = None,
        correlation_id: str = "",
    ) -> None:
        """Take one observation for delivery and return at once; BufferFull where too many wait already."""
        self._reporter.record(Event(domain, metric, success, value, correlation_id))

    def flush(self, seconds: float = 10.0) -> None:
        """Return once every observation so far is delivered; Undelivered where that takes longer."""
        self._reporter.flush(seconds)

    def close(self) -> None:
        """Deliver what waits and hang up; Undelivered hands back what could not be delivered."""
        try:
            self._reporter.close()
        finally:
            self._line.close()

    def _report(self, batch: Batch) -> None:
        self._line.drive(self._operations.report(batch.events, batch.key, self._patience.once()))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_raised: object) -> None:
        self.close()
