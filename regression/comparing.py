"""What other settings of a tripwire would have done, side by side: of ``replay_tripwire`` and the console's preview."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from governance.errors import Invalid
from regression import limits, replay, rules, simulation
from regression.baselines import PinnedTerms
from regression.histories import History
from regression.models import RegressionPolicy
from regression.replay import Outcome
from regression.rules import PINNED, SEQUENTIAL, WINDOW
from regression.serializers import RegressionPolicySchema
from regression.simulation import Setting

DETECTORS = (WINDOW, SEQUENTIAL)
MOST = 12
TRIED = (
    "window_events", "baseline_events", "min_events_to_enforce", "action", "baseline_kind", "baseline_size",
    "block_events", "value_low", "value_high", "beta", "run_length", "alpha",
)  # fmt: skip
OF_A_PIN = ("baseline_size", "block_events", "value_low", "value_high", "beta")


@dataclasses.dataclass(frozen=True, slots=True)
class Tried:
    """A policy as it would be set, which is saved nowhere, and what it would have done."""

    policy: RegressionPolicy
    outcome: Outcome

    @property
    def name(self) -> str:
        """Return what tells it from the others: ``WINDOW 0.2``."""
        return f"{self.policy.detector} {self.policy.max_drop_fraction.normalize():f}"


def variants(
    base: RegressionPolicy, *, detectors: Sequence[str], drops: Sequence[Any], patch: Mapping[str, Any] | None = None
) -> list[RegressionPolicy]:
    """Return ``base`` with ``patch``, once for each detector and drop. Invalid names the field and what to send.

    WINDOW is tried with the baseline of ``base`` or ``patch``, SEQUENTIAL with one that is pinned.
    """
    if not 1 <= len(detectors) * len(drops) <= MOST:
        raise Invalid({"max_drop_fraction": [f"Compare 1 to {MOST} settings at a time."]})
    return [
        _variant(base, {**(patch or {}), "detector": detector, "max_drop_fraction": drop})
        for detector in detectors
        for drop in drops
    ]


def compare(
    history: History,
    policies: Sequence[RegressionPolicy],
    *,
    seed: int,
    trials: int,
    progress: Callable[[float], None] = lambda _done: None,
    **extent: int,
) -> list[Tried]:
    """Return what each policy would have done on ``history``, and the forecast of it, as ``replay.replay`` does.

    One with a pinned baseline is compared with the history's pins as each was in force.
    """
    asked = [_setting(policy) for policy in policies]
    told = {"seed": seed, "trials": trials, **extent}
    found = replay.replay(history.events, asked, pins=history.pins, progress=progress, **told)
    return [Tried(policy, outcome) for policy, outcome in zip(policies, found, strict=True)]


def told(history: History, found: Sequence[Tried], *, seed: int, trials: int) -> dict[str, Any]:
    """Return a comparison as JSON."""
    history = history.timed([trip.event for tried in found for trip in tried.outcome.trips])
    return {
        "source": history.source,
        "events": len(history.events),
        "held": history.held,
        "first_at": history.when(1) if history.events else "",
        "last_at": history.when(len(history.events)) if history.events else "",
        "seed": seed,
        "trials": trials,
        "settings": [_told(history, tried) for tried in found],
    }


def _variant(base: RegressionPolicy, patch: Mapping[str, Any]) -> RegressionPolicy:
    schema = RegressionPolicySchema(data=dict(patch), partial=True)
    if not schema.is_valid():
        raise Invalid({name: [str(said) for said in errors] for name, errors in schema.errors.items()})
    controls = {name: getattr(base, name) for name in rules.CONTROLS} | schema.validated_data | {"enabled": True}
    if controls["detector"] == SEQUENTIAL:
        controls["baseline_kind"] = PINNED
    if wrong := rules.never_triggers(controls, patch) | limits.unfit(controls, patch):
        raise Invalid(wrong)
    return RegressionPolicy(domain=base.domain, metric=base.metric, **controls)


def _setting(policy: RegressionPolicy) -> Setting:
    if policy.detector == SEQUENTIAL:
        return policy.settings()
    return PinnedTerms(policy.terms(), policy.settings()) if policy.baseline_kind == PINNED else policy.terms()


def _told(history: History, tried: Tried) -> dict[str, Any]:
    outcome, forecast = tried.outcome, tried.outcome.forecast
    return {
        "detector": tried.policy.detector,
        "max_drop_fraction": float(tried.policy.max_drop_fraction),
        "controls": {name: tried.policy.snapshot()[name] for name in TRIED},
        "baseline": outcome.baseline,
        "bound": outcome.bound,
        "correlation": outcome.correlation,
        "trips": [
            {
                "event": trip.event,
                "id": history.events[trip.event - 1].id,
                "at": history.when(trip.event),
                "onset": trip.onset,
                "drop_fraction": trip.drop,
            }
            for trip in outcome.trips
        ],
        "forecast": forecast
        and {
            "events": simulation.EVENTS,
            "false_alarm_probability": forecast.false_alarm_probability,
            "false_alarms_per_1000": forecast.false_alarms_per_1000,
            "median_delays": [
                {"drop_fraction": drop, "events": delay} for drop, delay in forecast.median_delays.items()
            ],
        },
    }
