"""What is sent and what comes back, without input or output, so that both clients share what is made of it.

An operation is a generator: it yields calls and pauses, is sent what came of each, and returns its answer or raises.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Mapping
from typing import Any, TypeVar

T = TypeVar("T")


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """A POST to the governor. ``repeatable``: sent twice it is done once, by its key or by what it says."""

    path: str
    body: Mapping[str, Any]
    repeatable: bool
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    timeout: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True)
class Pause:
    """Seconds to wait before the next call."""

    seconds: float


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``body`` is None where it is no JSON object."""

    status: int
    body: Mapping[str, Any] | None
    headers: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Lost:
    """Nothing came back. ``reached``: the governor may have had the call, and done it."""

    why: str
    reached: bool


Outcome = Answer | Lost
Steps = Generator[Call | Pause, Any, T]
