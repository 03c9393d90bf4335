"""What a policy may ask of its detector and its baselines, and when a tripwire may be re-armed. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from regression.rules import PINNED, SEQUENTIAL

LEAST_BASELINE, MAX_BASELINE = 100, 100_000
MAX_BLOCK = 1_000
LEAST_UNITS = 20
MOST_ERROR = Decimal("0.5")
LEAST_RUN, MAX_RUN = 100, 10**9
MANY_TRIPS, MANY_WITHIN = 3, dt.timedelta(days=7)
_LONGEST_WAIT = dt.timedelta(days=1)


def unfit(controls: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what else in ``controls``, as ``patch`` leaves them, does not fit together, by the patched field."""
    errors: dict[str, list[str]] = {}

    def refuse(fields: tuple[str, ...], said: str) -> None:
        errors.setdefault(next((name for name in fields if name in patch), fields[0]), []).append(said)

    if controls["detector"] == SEQUENTIAL and controls["baseline_kind"] != PINNED:
        refuse(
            ("detector", "baseline_kind"), "SEQUENTIAL tests against a pinned baseline: set baseline_kind to PINNED."
        )
    if not controls["value_low"] < controls["value_high"]:
        refuse(("value_high", "value_low"), "Must be above value_low.")
    if controls["baseline_size"] // controls["block_events"] < LEAST_UNITS:
        said = f"A baseline needs at least {LEAST_UNITS} blocks: set baseline_size to {LEAST_UNITS} times block_events."
        refuse(("baseline_size", "block_events"), said)
    return errors


def wait_to_rearm(trips: int, first: dt.timedelta) -> dt.timedelta:
    """Return how long after its last trip a tripwire waits that has tripped so often within MANY_WITHIN.

    Nothing up to the second trip, ``first`` at the third, doubled with each further one, up to a day.
    """
    if trips < MANY_TRIPS:
        return dt.timedelta()
    return min(_LONGEST_WAIT, first * float(2 ** min(trips - MANY_TRIPS, 20)))
