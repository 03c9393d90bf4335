"""What monitoring sees: what each process counts and times, and the shape of the figures that are read when asked."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from prometheus_client import Counter, Histogram

UNKNOWN, ADMITTED = "unknown", "admitted"
_DECISIONS = Counter("valhalla_decisions", "Decisions by lever, engine and reason.", ["lever", "engine", "reason"])
_GATED = Counter("valhalla_gate_answers", "Answers of the gate: admitted, or the code of the refusal.", ["answer"])
GATE_SECONDS = Histogram(
    "valhalla_gate_seconds",
    "How long the gate took to read the state.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5),
)


@dataclasses.dataclass(frozen=True, slots=True)
class Gauge:
    """A figure that stands in the database: its name, what it is, and its value for each set of labels."""

    name: str
    help: str
    values: Sequence[tuple[Mapping[str, str], float]]


def decided(*, lever: str, engine: str | None, reason: str) -> None:
    """Count a decision that is committed. An engine without a policy (None) is not named: the name is a caller's."""
    _DECISIONS.labels(lever, engine or UNKNOWN, reason).inc()


def gated(answer: str) -> None:
    """Count an answer of the gate."""
    _GATED.labels(answer).inc()
