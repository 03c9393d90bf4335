"""What the tripwires hear of others: an outcome is an event of the engine's metric."""

from __future__ import annotations

from governance.facts import Outcome
from regression import recording
from regression.recording import Observation


def outcome(told: Outcome) -> None:
    """Record an outcome as an event and evaluate its tripwire, which may trip, in the teller's transaction."""
    seen = Observation(told.engine, told.metric, success=told.success, correlation_id=told.reference)
    recording.within(seen, told.actor)
