"""The asynchronous client used as the blocking one is, so that one test tells of both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from anyio.from_thread import BlockingPortal
from valhalla_governor import AsyncGovernor, AsyncHold


class AwaitedHold:
    def __init__(self, hold: AsyncHold, portal: BlockingPortal) -> None:
        self._hold, self._portal = hold, portal
        self.id, self.reservation, self.keep_open = hold.id, hold.reservation, hold.keep_open

    def settle(self, realized_loss: int) -> Any:
        return self._portal.call(self._hold.settle, realized_loss)

    def release(self) -> Any:
        return self._portal.call(self._hold.release)


class Awaited:
    """Each call runs on the event loop of ``portal``."""

    def __init__(self, governor: AsyncGovernor, portal: BlockingPortal) -> None:
        self._governor, self._portal = governor, portal
        self.record_kpi = governor.record_kpi

    @contextmanager
    def reserve(self, *args: Any, **more: Any) -> Iterator[AwaitedHold]:
        with self._portal.wrap_async_context_manager(self._governor.reserve(*args, **more)) as hold:
            yield AwaitedHold(hold, self._portal)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._governor, name)
        return lambda *args, **more: self._portal.call(partial(method, *args, **more))
