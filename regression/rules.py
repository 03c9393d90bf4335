"""The law of the tripwire: which events are compared, what a drop is, and when it triggers. Pure and exact.

CONTRACT, "Regression tripwire", is the source. An *effective* event is one outside of every gap; a gap is what
happened between a trip's baseline and its re-arming, and is left out of every window for good.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from fractions import Fraction
from typing import Any, NamedTuple

from governance import names, overrides

SET_POLICY = "regression.policy.set"
REARM = "regression.rearm"
ACKNOWLEDGE = "regression.incident.acknowledge"
RESOLVE = "regression.incident.resolve"
RETAIN = "regression.retain"
PIN = "regression.baseline.pin"

WINDOW, SEQUENTIAL = "WINDOW", "SEQUENTIAL"
ENFORCE, SHADOW = "ENFORCE", "SHADOW"
ROLLING, PINNED = "ROLLING", "PINNED"
THROTTLE, KILL_SWITCH = "THROTTLE", "KILL_SWITCH"
REAL_REGRESSION, FALSE_ALARM, DATA_FAULT = "REAL_REGRESSION", "FALSE_ALARM", "DATA_FAULT"
POLICY_MISSING = "policy_missing"
TRIPWIRE_TRIGGERED = "tripwire_triggered"
RANK_TRIGGERED = 40

CONTROLS = (
    "window_events", "baseline_events", "min_events_to_enforce", "max_drop_fraction", "action", "enabled", "mode",
    "detector", "baseline_kind", "baseline_size", "block_events", "value_low", "value_high", "beta", "run_length",
    "alpha",
)  # fmt: skip
# What an end takes back: of the rest neither value is known to be the looser.
ENDING = frozenset({
    "max_drop_fraction", "min_events_to_enforce", "action", "enabled", "mode", "beta", "run_length", "alpha",
})  # fmt: skip
MAX_EVENTS = 10_000
MAX_VALUE = 1e15
END = 2**63 - 1  # no id is larger
# Sums of values are exact: the largest, 10^19 in all, and the last digit of the smallest double are 365 digits apart.
_EXACT = Context(prec=400, traps=[Inexact, InvalidOperation, Overflow, DivisionByZero])


class Event(NamedTuple):
    """A KPI event: exactly one of ``success`` and ``value`` is there."""

    id: int
    success: bool | None
    value: float | None


@dataclasses.dataclass(frozen=True, slots=True)
class Terms:
    """What a policy asks for."""

    window_events: int
    baseline_events: int
    min_events_to_enforce: int
    max_drop_fraction: Decimal
    enabled: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Windows:
    """The two windows that are compared, each with its newest event first."""

    current: Sequence[Event]
    baseline: Sequence[Event]


@dataclasses.dataclass(frozen=True, slots=True)
class Judgement:
    """What the windows show. Means are None without events, ``drop`` where the baseline cannot be divided by."""

    baseline: Fraction | None
    current: Fraction | None
    drop: Fraction | None
    baseline_count: int
    current_count: int
    enough: bool
    trips: bool


def windows(newest_first: Sequence[Event], terms: Terms, armed_after_id: int) -> Windows:
    """Return the windows of a tripwire that is not triggered.

    ``newest_first`` holds the newest effective events, at least ``window_events + baseline_events`` of them where
    there are so many. The current window is the last min(window_events, events since it was armed, max(0, N -
    baseline_events)) of N; the baseline is the up to ``baseline_events`` before it.
    """
    since_armed = sum(event.id > armed_after_id for event in newest_first[: terms.window_events])
    size = current_size(terms, since_armed=since_armed, count=len(newest_first))
    return Windows(newest_first[:size], newest_first[size : size + terms.baseline_events])


def current_size(terms: Terms, *, since_armed: int, count: int) -> int:
    """Return how many of ``count`` effective events the current window holds, ``since_armed`` of them since arming."""
    return min(terms.window_events, since_armed, max(0, count - terms.baseline_events))


def segments(gaps: Iterable[tuple[int, int]], above: int, upto: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches (after, until] between ``gaps`` (newest first), from ``upto`` down to ``above``.

    ``upto`` and ``above`` are ids of effective events, or 0 and END, so no gap holds one of them.
    """
    top = upto
    for after, until in gaps:
        yield until, top
        top = after
    if top > above:
        yield above, top


def judge(seen: Windows, terms: Terms, *, triggered: bool) -> Judgement:
    """Compare the windows' means as exact fractions: drop = (baseline - current) / baseline.

    It trips when the policy is enabled, it is not triggered already, both windows hold at least
    ``min_events_to_enforce`` events, and the drop is at least ``max_drop_fraction``. While the current window is empty,
    current equals baseline and the drop is 0.
    """
    return compare(mean(seen.baseline), mean(seen.current), (len(seen.baseline), len(seen.current)), terms, triggered)


def compare(
    baseline: Fraction | None, current: Fraction | None, counts: tuple[int, int], terms: Terms, triggered: bool
) -> Judgement:
    """Judge two means, of the baseline and of the current window, which hold ``counts`` events; None: of none."""
    drop: Fraction | None = Fraction(0)
    if current is None:
        current = baseline
    else:
        drop = (baseline - current) / baseline if baseline is not None and baseline > 0 else None
    enough = min(counts) >= terms.min_events_to_enforce
    trips = (
        terms.enabled and not triggered and enough and drop is not None and drop >= Fraction(terms.max_drop_fraction)
    )
    return Judgement(baseline, current, drop, *counts, enough, trips)


def since_onset(newest_first: Sequence[Event], baseline: Fraction, current: Fraction) -> int:
    """Return how many of the newest events a drop from ``baseline`` to ``current`` most likely spans, at least one.

    It began where the sum of what the events since lack to the middle between the two is largest (Page's CUSUM, looked
    at backwards).
    """
    middle = float(baseline + current) / 2
    lacking = list(itertools.accumulate(middle - float(number(event)) for event in newest_first))
    return lacking.index(max(lacking)) + 1


def mean(events: Sequence[Event]) -> Fraction | None:
    """Return the exact mean: a success counts 1, a failure 0, a value as the decimal that it is written as."""
    if not events:
        return None
    return Fraction(functools.reduce(added, events, Decimal(0))) / len(events)


def added(total: Decimal, event: Event) -> Decimal:
    """Return ``total`` and what an event counts as, exactly."""
    return _EXACT.add(total, number(event))


def number(event: Event) -> Decimal:
    """Return what an event counts as, exactly."""
    if event.success is not None:
        return Decimal(int(event.success))
    return Decimal(repr(event.value))


def double(figure: Fraction | None) -> float | None:
    """Return ``figure`` as a double to store and show, at most the largest one; decisions never use it."""
    if figure is None:
        return None
    try:
        return float(figure)
    except OverflowError:
        return sys.float_info.max if figure > 0 else -sys.float_info.max


def malformed(success: bool | None, value: float | None) -> dict[str, list[str]]:
    """Return what is wrong with an event, by field; empty where nothing is."""
    if (success is None) == (value is None):
        said = "Send exactly one of success (true or false) and value (a finite number)."
        return {"success": [said], "value": [said]}
    if success is not None:
        return {} if isinstance(success, bool) else {"success": ["Must be true or false."]}
    if isinstance(value, bool) or value is None or not abs(value) <= MAX_VALUE:
        return {"value": ["Must be a finite number from -10^15 to 10^15."]}
    return {}


def never_triggers(controls: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what is wrong with ``controls``, as ``patch`` leaves them, by the patched field; empty where nothing is.

    A window that holds fewer events than ``min_events_to_enforce`` could never trigger.
    """
    least = controls["min_events_to_enforce"]
    errors: dict[str, list[str]] = {}
    for name in ("window_events", "baseline_events"):
        if least > controls[name]:
            field = "min_events_to_enforce" if "min_events_to_enforce" in patch else name
            said = (
                f"It could never trigger: min_events_to_enforce would be {least} and {name} {controls[name]}. "
                f"Set min_events_to_enforce to at most {name}."
            )
            errors.setdefault(field, []).append(said)
    return errors


def loosens(standing: Mapping[str, Any], patch: Mapping[str, Any]) -> frozenset[str]:
    """Name the fields of ``patch`` that loosen a tripwire.

    Switching it off or to SHADOW, allowing a larger drop or fewer false alarms, asking for more events, a milder
    action, and any change of the detector, the windows and the units, which is another rule whose strictness nobody can
    compare.
    """
    apart = {"retired", "until"}
    looser = {name for name, value in patch.items() if name not in apart and is_looser(name, value, standing[name])}
    # Retiring switches a tripwire off, or keeps it from going on at its end; bringing it back says that it may go on.
    if "retired" in patch and patch["retired"] != standing["retired"]:
        watches = standing.get("enabled", True) or "enabled" in standing.get("falls_back_to", ())
        looser |= {"retired"} if not patch["retired"] or watches else set()
    return overrides.with_end(looser, standing, patch, ENDING)


def is_looser(name: str, value: Any, than: Any) -> bool:
    """Say whether a control's ``value`` is looser ``than`` another one, or may be."""
    if name in {"max_drop_fraction", "min_events_to_enforce", "run_length"}:
        return bool(value > than)
    if name in {"alpha", "beta"}:
        return bool(value < than)
    if name == "enabled":
        return bool(than and not value)
    if name in {"action", "mode"}:
        return bool(than in {KILL_SWITCH, ENFORCE} and value != than)
    return bool(value != than)


def always_loosens(_standing: Mapping[str, Any], _patch: Mapping[str, Any]) -> frozenset[str]:
    """Re-arming lets go of what a trip has pinned, and a new baseline of what was, whatever stood before."""
    return frozenset({"*"})


def never_loosens(_standing: Mapping[str, Any], _patch: Mapping[str, Any]) -> frozenset[str]:
    """Acknowledging and resolving an incident change no control."""
    return frozenset()


def pin(action: str, domain: str) -> str:
    """Return the control that a trip pulls and pins until the re-arming."""
    return "kill_switch" if action == KILL_SWITCH else f"risk_policy:{domain}"


def key(domain: str, metric: str) -> str:
    """Return a tripwire's name: ``WHOLESALE/contract_rate``."""
    return f"{domain}/{metric}"


def spelled(target: str) -> str:
    """Return a tripwire's name in its one spelling; ValueError says what is wrong."""
    domain, metric = parted(target)
    return key(domain, metric)


def parted(target: str) -> tuple[str, str]:
    """Return the domain and the metric of a tripwire's name; ValueError says what is wrong."""
    domain, slash, metric = target.partition("/")
    if not slash:
        raise ValueError("Must be a domain and a metric, such as WHOLESALE/contract_rate.")
    return names.engine(domain), names.metric(metric)


def incident_number(target: str) -> str:
    """Return an incident's number as text; ValueError where it is none."""
    if not (target.isascii() and target.isdigit() and len(target) <= 18):  # noqa: PLR2004 -- fits a BIGINT
        raise ValueError("Must be the number of an incident.")
    return str(int(target))
