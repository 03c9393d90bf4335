"""The preview of a tripwire's page: what other settings would have done on the events that it shows, within seconds."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

from regression import comparing, histories, rules
from regression.comparing import Tried
from regression.histories import History
from regression.models import RegressionPolicy

EVENTS, TRIALS, SEED = 5_000, 200, 1
# A fifth of what replay_tripwire simulates, event by event: more streams at once cost nearly nothing.
EXTENT = {"events": 2_000, "before": 500, "horizon": 2_000}
SECONDS = 5.0
MOST_DROPS = 3


@dataclasses.dataclass(frozen=True, slots=True)
class Previewed:
    """What was looked at, what each setting would have done, and whether time was up before all were simulated."""

    history: History
    tried: Sequence[Tried]
    cut_short: bool


class _TimeIsUpError(Exception):
    """The seconds are over."""


def preview(
    policy: RegressionPolicy, variants: Sequence[RegressionPolicy], *, upto: int = rules.END, seconds: float = SECONDS
) -> Previewed:
    """Try ``variants`` on the newest EVENTS events up to ``upto``; what is not simulated in time has no forecast."""
    history = histories.recorded(policy.domain, policy.metric, limit=EVENTS, upto=upto)
    ends, found, cut_short = time.monotonic() + seconds, [], False

    def within(_done: float) -> None:
        if time.monotonic() > ends:
            raise _TimeIsUpError

    for variant in variants:
        try:
            found += comparing.compare(history, [variant], seed=SEED, trials=TRIALS, progress=within, **EXTENT)
        except _TimeIsUpError:
            cut_short = True
            found += comparing.compare(history, [variant], seed=SEED, trials=0)
    trips = [trip.event for tried in found for trip in tried.outcome.trips]
    return Previewed(history.timed(trips), found, cut_short)
