"""The client for engines on asyncio or trio: the same words, awaited."""

from __future__ import annotations

import ssl
from collections.abc import Generator, Mapping
from types import TracebackType
from typing import Any, Self

from anyio import to_thread

from valhalla_governor.answers import Recommendation, Reservation, Settlement
from valhalla_governor.buffer import Batch, Buffering
from valhalla_governor.calls import Steps
from valhalla_governor.errors import GovernorError
from valhalla_governor.events import Event
from valhalla_governor.holding import Held
from valhalla_governor.lines import AsyncLine, Line, checked_address
from valhalla_governor.operations import Operations
from valhalla_governor.reporting import Reporter
from valhalla_governor.retrying import Patience


class AsyncHold(Held):
    """A reservation as an ``async with`` block; see Hold."""

    def __init__(self, governor: AsyncGovernor, reservation: Reservation) -> None:
        """Hold ``reservation`` of ``governor``."""
        super().__init__(reservation)
        self._governor = governor

    async def settle(self, realized_loss: int) -> Settlement:
        """See Hold.settle."""
        settled = await self._governor.settle(self.id, realized_loss)
        self._ended = True
        return settled

    async def release(self) -> Settlement:
        """See Hold.release."""
        released = await self._governor.release(self.id)
        self._ended = True
        return released

    def left(self, error: BaseException | None) -> None:
        """Leave the block; see Hold."""
        self._left(error)


class Reserving:
    """A reservation that is under way: ``async with`` it, or await it for the hold alone."""

    def __init__(self, governor: AsyncGovernor, line: AsyncLine, steps: Steps[Reservation]) -> None:
        """Send nothing yet."""
        self._governor, self._line = governor, line
        self._steps: Steps[Reservation] | None = steps
        self._hold: AsyncHold | None = None

    async def _reserved(self) -> AsyncHold:
        steps, self._steps = self._steps, None
        if steps is None:
            raise GovernorError("This reservation was awaited before: call reserve() for each.")
        self._hold = AsyncHold(self._governor, await self._line.drive(steps))
        return self._hold

    def __await__(self) -> Generator[Any, None, AsyncHold]:
        return self._reserved().__await__()

    async def __aenter__(self) -> AsyncHold:
        return await self._reserved()

    async def __aexit__(self, _kind: object, error: BaseException | None, _trace: TracebackType | None) -> None:
        if self._hold is not None:
            self._hold.left(error)


class AsyncGovernor:
    """One engine's line to Valhalla; see Governor."""

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
        self._line = AsyncLine(checked_address(base_url), token, verify)
        self._reports = Line(checked_address(base_url), token, verify)
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
    ) -> Reserving:
        """See Governor.reserve."""
        steps = self._operations.reserve(
            engine, amount, key=key, resume=resume, epoch=epoch, correlation_id=correlation_id
        )
        return Reserving(self, self._line, steps)

    async def settle(self, reservation_id: int, realized_loss: int) -> Settlement:
        """See Governor.settle."""
        return await self._line.drive(self._operations.settle(reservation_id, realized_loss))

    async def release(self, reservation_id: int) -> Settlement:
        """See Governor.release."""
        return await self._line.drive(self._operations.release(reservation_id))

    async def recommend(
        self,
        domain: str,
        confidence: float,
        recommendation: Mapping[str, Any],
        evidence: Mapping[str, Any] | None = None,
    ) -> Recommendation:
        """See Governor.recommend."""
        steps = self._operations.recommend(domain, confidence, recommendation, evidence or {})
        return await self._line.drive(steps)

    async def require_eligible(self, recommendation_id: int) -> None:
        """See Governor.require_eligible."""
        await self._line.drive(self._operations.require_eligible(recommendation_id))

    def record_kpi(
        self,
        domain: str,
        metric: str,
        *,
        success: bool | None = None,
        value: float | None = None,
        correlation_id: str = "",
    ) -> None:
        """See Governor.record_kpi; it waits for nothing, so it is not awaited."""
        self._reporter.record(Event(domain, metric, success, value, correlation_id))

    async def flush(self, seconds: float = 10.0) -> None:
        """See Governor.flush."""
        await to_thread.run_sync(self._reporter.flush, seconds)

    async def close(self) -> None:
        """See Governor.close."""
        try:
            await to_thread.run_sync(self._reporter.close)
        finally:
            self._reports.close()
            await self._line.close()

    def _report(self, batch: Batch) -> None:
        self._reports.drive(self._operations.report(batch.events, batch.key, self._patience.once()))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_raised: object) -> None:
        await self.close()
