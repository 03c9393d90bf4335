"""What a tripwire with a pinned baseline counts: shares from 0 to 1, each of one event or the mean of a block. Pure.

Neighbouring events that resemble one another carry less than their number says. A block's mean stands for several of
them, in the pin and in the test alike, and is nearly independent of the next where a block outlasts the resemblance.
"""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

from regression.rules import Event, number


@dataclasses.dataclass(frozen=True, slots=True)
class Scale:
    """What maps events to units: values from ``low`` to ``high`` to shares from 0 to 1, ``block_events`` to a unit."""

    low: float = 0.0
    high: float = 1.0
    block_events: int = 1

    def share(self, event: Event) -> float:
        """Return where an event lies between the bounds; one beyond them counts as the bound."""
        return self.fraction(float(number(event)))

    def fraction(self, value: float) -> float:
        """Return where a value lies between the bounds."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def value(self, share: float) -> float:
        """Return the value that a share stands for."""
        return self.low + share * (self.high - self.low)


class Unit(NamedTuple):
    """One observation of the test: a share from 0 to 1, of the events from ``first_id`` to ``last_id``."""

    first_id: int
    last_id: int
    share: float


class Block(NamedTuple):
    """A unit in the making: how many events it holds, the sum of their shares, and the first of them."""

    events: int = 0
    total: float = 0.0
    first_id: int = 0


def grown(block: Block, event: Event, scale: Scale) -> tuple[Block, Unit | None]:
    """Return the block with one more event, or an empty one and the unit that the event has completed."""
    events, total = block.events + 1, block.total + scale.share(event)
    first_id = block.first_id or event.id
    if events < scale.block_events:
        return Block(events, total, first_id), None
    return Block(), Unit(first_id, event.id, total / events)
