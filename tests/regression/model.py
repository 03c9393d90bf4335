"""A model of the windows that keeps a plain list of events, and is easily seen to say what CONTRACT says.

``VALHALLA_DIFFERENTIAL_EXAMPLES=2000 pytest tests/regression`` holds it against more programs.
"""

from __future__ import annotations

import dataclasses
import os
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from regression import services
from regression.models import RegressionState
from tests.regression.factories import record

EXAMPLES = int(os.environ.get("VALHALLA_DIFFERENTIAL_EXAMPLES", "8"))
SIZES = st.tuples(st.integers(1, 5), st.integers(1, 6)).flatmap(
    lambda sizes: st.tuples(st.just(sizes[0]), st.just(sizes[1]), st.integers(1, min(sizes)))
)
RUNS = st.builds(lambda outcome, times: [outcome] * times, st.sampled_from("SF"), st.integers(1, 8))
STEPS = st.lists(
    st.one_of(
        RUNS,
        RUNS,
        st.sampled_from([["noise"], ["enable"], ["disable"], ["rearm"], ["rearm"], ["rearm"], ["evaluate"]]),
        st.tuples(st.tuples(st.just("resize"), SIZES)),
    ),
    min_size=4,
    max_size=20,
).map(lambda runs: ["S"] * 3 + [step for run in runs for step in run])


@dataclasses.dataclass
class Model:
    """Every event with whether it is left out, and the law applied to all of them anew at each step."""

    window: int
    baseline: int
    least: int
    drop: Decimal
    enabled: bool = False
    events: list[tuple[int, bool]] = dataclasses.field(default_factory=list)
    left_out: set[int] = dataclasses.field(default_factory=set)
    armed_after: int = 0
    baseline_end: int | None = None
    trips: int = 0

    def last(self) -> int:
        return self.events[-1][0] if self.events else 0

    def windows(self) -> tuple[list[int], list[int]]:
        """Return the ids of the baseline and of the current window, oldest first."""
        effective = [number for number, _success in self.events if number not in self.left_out]
        if self.baseline_end is not None:
            before = [number for number in effective if number <= self.baseline_end]
            after = [number for number in effective if number > self.baseline_end]
            return before[-self.baseline :], after[-self.window :]
        since_armed = sum(number > self.armed_after for number in effective)
        size = min(self.window, since_armed, max(0, len(effective) - self.baseline))
        cut = len(effective) - size
        return effective[max(0, cut - self.baseline) : cut], effective[cut:]

    def rate(self, numbers: list[int]) -> Fraction:
        successes = dict(self.events)
        return Fraction(sum(successes[number] for number in numbers), len(numbers))

    def evaluate(self) -> None:
        baseline, current = self.windows()
        if self.baseline_end is not None or not self.enabled or min(len(baseline), len(current)) < self.least:
            return
        rate = self.rate(baseline)
        if rate > 0 and (rate - self.rate(current)) / rate >= Fraction(self.drop):
            self.baseline_end = baseline[-1]
            self.trips += 1

    def enable(self) -> None:
        if not self.enabled and self.baseline_end is None:
            self.armed_after = self.last()
        self.enabled = True

    def rearm(self) -> None:
        if self.baseline_end is not None:
            self.left_out |= {number for number, _success in self.events if number > self.baseline_end}
        self.baseline_end, self.armed_after = None, self.last()


def take(step: Any, model: Model, pair: dict[str, str]) -> None:
    said: dict[str, Any] = {**pair, "actor": "jo"}
    state = RegressionState.objects.filter(**pair).exists()
    if step in {"S", "F"}:
        model.events.append((record(step, **pair)[0].id, step == "S"))
        if model.enabled:
            model.evaluate()
    elif step == "noise":
        record("F", domain=pair["domain"], metric="another")
    elif step == "enable":
        services.set_policy(**said, patch={"enabled": True})
        model.enable()
    elif step == "disable":
        services.set_policy(**said, patch={"enabled": False})
        model.enabled = False
    elif step == "evaluate":
        services.evaluate(**said)
        model.evaluate()
    elif step == "rearm":
        if state:
            services.rearm(**said, reason="mended")
            model.rearm()
    else:
        window, baseline, least = step[1]
        patch = {"window_events": window, "baseline_events": baseline, "min_events_to_enforce": least}
        services.set_policy(**said, patch=patch)
        model.window, model.baseline, model.least = window, baseline, least
