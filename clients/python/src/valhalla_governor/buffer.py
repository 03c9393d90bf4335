"""Events that wait to be delivered: in order, bounded, each batch unchanged under its key until it is acknowledged."""

from __future__ import annotations

import dataclasses
import re
import uuid
from collections import deque
from collections.abc import Iterable

from valhalla_governor.errors import BufferFull, Invalid
from valhalla_governor.events import Event

MOST_IN_A_BATCH = 10_000
_PLACE = re.compile(r"items\.(\d+)\b")


@dataclasses.dataclass(frozen=True, slots=True)
class Buffering:
    """How events are delivered: so many at once, or whatever is there after so many seconds; at most ``most`` wait.

    ``close_seconds``: how long close() tries to deliver what is left.
    """

    batch: int = 200
    seconds: float = 1.0
    most: int = 10_000
    close_seconds: float = 10.0

    def __post_init__(self) -> None:
        """Refuse figures that could deliver nothing."""
        if not 1 <= self.batch <= min(self.most, MOST_IN_A_BATCH):
            raise Invalid("", {"batch": [f"Must be from 1 to most, and at most {MOST_IN_A_BATCH}."]})


@dataclasses.dataclass(frozen=True, slots=True)
class Batch:
    """Events that are sent together, under one key however often."""

    events: tuple[Event, ...]
    key: str = dataclasses.field(default_factory=lambda: uuid.uuid4().hex)


class Buffer:
    """Waiting events, the batch that is under way, and what the governor will not have. Not safe for threads."""

    def __init__(self, limits: Buffering) -> None:
        """Begin empty."""
        self.limits = limits
        self.unfit: list[Event] = []
        self.taken = self.gone = 0
        self._waiting: deque[tuple[float, Event]] = deque()
        self._sending: Batch | None = None

    def __len__(self) -> int:
        """Return how many events are held, whatever their state."""
        return len(self._waiting) + len(self.unfit) + (len(self._sending.events) if self._sending else 0)

    def add(self, event: Event, now: float) -> None:
        """Take an event that was recorded at ``now``; BufferFull where there is no room."""
        if len(self) >= self.limits.most:
            raise BufferFull(f"{len(self)} events wait to be delivered, and no more are held.")
        self._waiting.append((now, event))
        self.taken += 1

    def due(self) -> float | None:
        """Return when something is to be sent (0: now), or None while nothing waits."""
        if self._sending is not None or len(self._waiting) >= self.limits.batch:
            return 0.0
        return self._waiting[0][0] + self.limits.seconds if self._waiting else None

    def batch(self) -> Batch | None:
        """Return the batch that is under way, or the next one; None where nothing waits."""
        if self._sending is None and self._waiting:
            count = min(len(self._waiting), self.limits.batch)
            self._sending = Batch(tuple(self._waiting.popleft()[1] for _ in range(count)))
        return self._sending

    def delivered(self) -> None:
        """Forget the batch under way: it has been acknowledged."""
        if self._sending is not None:
            self.gone += len(self._sending.events)
            self._sending = None

    def refused(self, fields: Iterable[str]) -> list[Event]:
        """Set aside the events that the governor found malformed (all, if it names none), and return them.

        The rest goes again, under another key: it is another batch.
        """
        if self._sending is None:
            return []
        events = self._sending.events
        named = {int(found[1]) for found in map(_PLACE.match, fields) if found} & set(range(len(events)))
        unfit = [event for place, event in enumerate(events) if not named or place in named]
        rest = tuple(event for place, event in enumerate(events) if named and place not in named)
        self._sending = Batch(rest) if rest else None
        self.unfit += unfit
        self.gone += len(unfit)
        return unfit

    def undelivered(self) -> list[Event]:
        """Return what is still to be delivered, in order."""
        return [*(self._sending.events if self._sending else ()), *(event for _at, event in self._waiting)]
