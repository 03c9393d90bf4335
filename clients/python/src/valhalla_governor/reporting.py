"""The delivery of KPI events: one thread that sends what waits, and goes on trying until it is acknowledged.

A thread for both clients: an event loop that stands still must not keep the tripwires from hearing of it.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable

from valhalla_governor.buffer import Batch, Buffer, Buffering
from valhalla_governor.errors import GovernorError, Invalid, Undelivered
from valhalla_governor.events import Event
from valhalla_governor.retrying import Patience

_log = logging.getLogger("valhalla_governor")
Send = Callable[[Batch], None]


class Reporter:
    """A buffer and the thread that empties it, which starts with the first event."""

    def __init__(self, send: Send, limits: Buffering, patience: Patience) -> None:
        """Deliver by ``send``, which raises where a batch was not acknowledged."""
        self._send, self._limits, self._patience = send, limits, patience
        self._buffer, self._state = Buffer(limits), threading.Condition()
        self._thread: threading.Thread | None = None
        self._hurried = self._closed = self._over = False
        self._last: GovernorError | None = None
        self._process = os.getpid()

    def record(self, event: Event) -> None:
        """Take an event for delivery: Invalid where it is malformed, BufferFull where too many wait already."""
        if wrong := event.wrong():
            raise Invalid("", wrong)
        if self._process != os.getpid():
            raise GovernorError("This governor was made before a fork: make one in each process.")
        with self._state:
            if self._closed:
                raise GovernorError("This governor is closed, and takes no more events.")
            self._buffer.add(event, time.monotonic())
            if self._thread is None:
                self._thread = threading.Thread(target=self._deliver, name="valhalla-kpi", daemon=True)
                self._thread.start()
                atexit.register(self._at_exit)
            self._state.notify_all()

    def flush(self, seconds: float) -> None:
        """Return once all that was recorded before is delivered; Undelivered where it is not within ``seconds``."""
        with self._state:
            goal = self._buffer.taken
            self._hurried = self._buffer.gone < goal
            self._state.notify_all()
            done = self._state.wait_for(lambda: self._buffer.gone >= goal or self._over, timeout=seconds)
            if unfit := self._unfit():
                raise Undelivered(unfit, f"The governor will not have {len(unfit)} event(s).", kept=False)
            if not done:
                raise self._behind(kept=True)

    def close(self, seconds: float | None = None) -> None:
        """Deliver what is left, take no more, and end; Undelivered hands back what could not be delivered in time."""
        with self._state:
            self._closed = self._hurried = True
            self._state.notify_all()
            seconds = self._limits.close_seconds if seconds is None else seconds
            self._state.wait_for(lambda: not self._buffer.undelivered(), timeout=seconds)
            self._over = True
            self._state.notify_all()
        if self._thread is not None:
            self._thread.join()
            atexit.unregister(self._at_exit)
            self._thread = None
        with self._state:
            unfit = self._unfit()
            if unfit or self._buffer.undelivered():
                raise self._behind(unfit, kept=False)

    def _behind(self, unfit: list[Event] | None = None, *, kept: bool) -> Undelivered:
        events = [*(unfit or []), *self._buffer.undelivered()]
        told = f"{len(events)} event(s) are not delivered: {self._last or 'the governor has not answered yet'}"
        late = Undelivered(events, told, kept=kept)
        late.__cause__ = self._last
        if not kept:
            self._buffer = Buffer(self._limits)
        return late

    def _unfit(self) -> list[Event]:
        unfit, self._buffer.unfit = self._buffer.unfit, []
        return unfit

    def _deliver(self) -> None:
        failures = 0
        while (batch := self._next()) is not None:
            try:
                self._send(batch)
            except Invalid as wrong:
                self._set_aside(wrong)
            except GovernorError as error:
                if not failures:
                    _log.warning("KPI events wait: %s", error)
                self._after(error, self._patience.pause(failures))
                failures += 1
            else:
                failures = 0
                with self._state:
                    self._buffer.delivered()
                    self._state.notify_all()

    def _next(self) -> Batch | None:
        """Wait until a batch is due and return it; None once it is over."""
        with self._state:
            while not self._over:
                due = self._buffer.due()
                if due is None:
                    self._hurried = self._closed
                elif self._hurried or due <= time.monotonic():
                    return self._buffer.batch()
                self._state.wait(None if due is None else max(0.0, due - time.monotonic()))
            return None

    def _set_aside(self, wrong: Invalid) -> None:
        with self._state:
            self._last = wrong
            for event in self._buffer.refused(wrong.errors):
                _log.error("The governor will not have %s: %s", event, wrong)
            self._state.notify_all()

    def _after(self, error: GovernorError, pause: float) -> None:
        """Keep the batch under way, and wait before the next try."""
        with self._state:
            self._last = error
            self._state.wait_for(lambda: self._over, timeout=pause)

    def _at_exit(self) -> None:
        try:
            self.close()
        except Undelivered as late:
            _log.critical("The process ends, and %s", late)
