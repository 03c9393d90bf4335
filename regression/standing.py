"""The evidence of a SEQUENTIAL tripwire as it is kept between events, and enough of its way to tell it. Pure, O(1)."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from regression.limits import MAX_BLOCK
from regression.rules import Event
from regression.sequential import Detector, Evidence, Lane, read
from regression.units import Block, Scale

_MARK_EVERY = 500  # events; a block where that is longer
MOST_RETRACED = 4 * MAX_BLOCK
MOST_POINTS = 120


class Mark(NamedTuple):
    """The evidence as it was after the event ``last_id``."""

    last_id: int
    evidence: Evidence


@dataclasses.dataclass(frozen=True, slots=True)
class Standing:
    """The evidence against the ``pin``-th baseline in the tripwire's ``arming``-th arming.

    ``marks`` are two earlier stages of it, from which the way to a trip is retraced by reading few events again.
    """

    pin: int
    arming: int
    last_id: int
    evidence: Evidence
    marks: tuple[Mark, ...]

    def plus(self, event: Event, scale: Scale, detector: Detector) -> Standing:
        """Return the standing with one more event."""
        evidence, marks = self.evidence.plus(event, scale, detector), self.marks
        if not evidence.block.events and evidence.units % max(1, _MARK_EVERY // scale.block_events) == 0:
            marks = (*marks, Mark(event.id, evidence))[-2:]
        return dataclasses.replace(self, last_id=event.id, evidence=evidence, marks=marks)

    def stored(self) -> dict[str, Any]:
        """Return the standing as JSON keeps it."""
        return {
            "pin": self.pin, "arming": self.arming, "last_id": self.last_id, "evidence": _stored(self.evidence),
            "marks": [[mark.last_id, _stored(mark.evidence)] for mark in self.marks],
        }  # fmt: skip


def restored(kept: Mapping[str, Any]) -> Standing:
    """Return the standing that was stored."""
    marks = tuple(Mark(last_id, _restored(evidence)) for last_id, evidence in kept["marks"])
    return Standing(kept["pin"], kept["arming"], kept["last_id"], _restored(kept["evidence"]), marks)


def anew(pin: int, before: Mapping[str, Any] | None, last_id: int) -> Standing:
    """Return empty evidence against the ``pin``-th baseline after the event ``last_id``: a further arming.

    An arming in which nothing was tested has spent nothing, and counts as the next.
    """
    earlier = restored(before) if before else None
    arming = earlier.arming + (earlier.evidence.units > 0) if earlier else 1
    return Standing(pin, arming, last_id, Evidence(), (Mark(last_id, Evidence()),))


def path(mark: Mark, events: Sequence[Event], scale: Scale, detector: Detector) -> list[list[float]]:
    """Return how the log of the evidence moved over ``events`` after ``mark``: points of event and figure, thinned."""
    evidence, points = mark.evidence, []
    for event in events:
        evidence = evidence.plus(event, scale, detector)
        if not evidence.block.events:
            points.append([event.id, round(read(evidence, detector).log_evidence, 4)])
    return thinned(points)


def thinned(points: Sequence[list[float]]) -> list[list[float]]:
    """Return at most MOST_POINTS of ``points``, evenly, the last among them."""
    every = -(-len(points) // MOST_POINTS) or 1
    return list(points[::-1][::every][::-1])


def _stored(evidence: Evidence) -> list[Any]:
    # Before the first unit the logs are minus infinity, which JSON cannot say: there is nothing to keep then.
    return [list(evidence.block), evidence.units, [list(lane) for lane in evidence.lanes] if evidence.units else []]


def _restored(kept: Sequence[Any]) -> Evidence:
    block, units, lanes = kept
    if not lanes:
        return Evidence(Block(*block))
    return Evidence(Block(*block), units, tuple(Lane(*lane) for lane in lanes))
