"""What a tripwire found, in words, made from its figures, here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from regression.models import RegressionState
from regression.rules import Judgement, Terms, double

_LARGE = 1_000_000


def pulled(domain: str, metric: str, drop: Fraction | None) -> str:
    """Return the reason that a trip gives: ``Regression tripwire: WHOLESALE.contract_rate drop=0.221``."""
    return f"Regression tripwire: {domain}.{metric} drop={share(drop)}"


def share(drop: Fraction | None) -> str:
    """Return a drop with three decimals; one that no decimals suit, in powers of ten."""
    figure = double(drop) or 0.0
    return f"{figure:.3f}" if abs(figure) < _LARGE else f"{figure:.3g}"


def note(found: Judgement, terms: Terms, *, triggered: bool) -> str:
    """Say how a tripwire stands after an evaluation."""
    said = [_standing(found, terms, triggered=triggered)]
    if found.baseline is not None and found.baseline <= 0:
        said.append(
            f"The baseline is {double(found.baseline):g}: no drop can be computed from a baseline of zero or less, "
            "so it cannot trigger."
        )
    return " ".join(said)


def _standing(found: Judgement, terms: Terms, *, triggered: bool) -> str:
    if triggered:
        return "Triggered: it stays so until a person re-arms it, with a reason."
    if not terms.enabled:
        return "The policy is disabled: these are figures alone, and it never triggers."
    if found.baseline_count == 0:
        return "No event is recorded yet."
    if not found.enough:
        return (
            f"Waiting for events: the current window holds {found.current_count} and the baseline "
            f"{found.baseline_count}, it needs {terms.min_events_to_enforce} in each."
        )
    return f"Watching: it triggers at a drop of {terms.max_drop_fraction.normalize():f}."


def rearming(state: RegressionState, _patch: Mapping[str, Any]) -> list[str]:
    """Say what a re-arming does."""
    said = ["It watches again from this moment on: the events so far never trigger it again."]
    if state.triggered:
        said.append("What the trip pulled stays as it is: re-enable it by itself, afterwards.")
    return said


def missing(domain: str, metric: str) -> str:
    """Say that there is no policy."""
    return f"There is no regression policy for {domain}/{metric}: an operator must create one."
