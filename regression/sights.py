"""What a look at a tripwire shows, by either detector, and how a trip came about. Reads; writes nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from regression import rules, selectors, sequential, standing, words
from regression.models import RegressionBaseline, RegressionPolicy, RegressionState
from regression.rules import Judgement, Terms, Windows
from regression.sequential import Detector, Reading
from regression.standing import Standing


@dataclasses.dataclass(frozen=True, slots=True)
class Story:
    """How a trip came about: its events, the estimated onset, and the way there."""

    first_event_id: int
    last_event_id: int
    baseline_end_id: int
    onset_event_id: int
    events_to_detect: int
    path: dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Sight:
    """The figures of a look, whether it trips, what to say of it, and, asked where it trips, how that came about."""

    baseline: float | None
    current: float | None
    drop_fraction: float | None
    baseline_count: int
    current_count: int
    trips: bool
    note: Callable[[bool], str]
    story: Callable[[], Story]

    def figures(self) -> dict[str, Any]:
        """Return the figures by the names of the state's and the incident's columns."""
        names = ("baseline", "current", "drop_fraction", "baseline_count", "current_count")
        return {name: getattr(self, name) for name in names}


def look(policy: RegressionPolicy, state: RegressionState, pinned: RegressionBaseline | None) -> Sight:
    """Return what the tripwire shows as it stands, tested against ``pinned`` or, where that is None, its own past."""
    if policy.detector == rules.SEQUENTIAL:
        return _in_sequence(policy, state, pinned)
    return _on_windows(policy, state, pinned)


def detector(policy: RegressionPolicy, pinned: RegressionBaseline, arming: int) -> Detector:
    """Return the detector that tests against ``pinned``."""
    settings = dataclasses.replace(policy.settings(), scale=pinned.scale)
    return settings.detector(bound=pinned.bound or 0.0, mean=pinned.share, arming=arming)


def _on_windows(policy: RegressionPolicy, state: RegressionState, pinned: RegressionBaseline | None) -> Sight:
    terms = policy.terms()
    if pinned is None:
        seen = selectors.windows(state, terms)
        found = rules.judge(seen, terms, triggered=state.triggered)
    else:
        seen = selectors.current_alone(state, terms)
        baseline, counts = Fraction(Decimal(repr(pinned.mean))), (pinned.events, len(seen.current))
        found = rules.compare(baseline, rules.mean(seen.current), counts, terms, state.triggered)

    def note(triggered: bool) -> str:
        return words.note(found, terms, triggered=triggered)

    def story() -> Story:
        return _of_windows(state, seen, terms, found)

    return Sight(
        rules.double(found.baseline), rules.double(found.current), rules.double(found.drop), found.baseline_count,
        found.current_count, found.trips, note, story,
    )  # fmt: skip


def _of_windows(state: RegressionState, seen: Windows, terms: Terms, found: Judgement) -> Story:
    """Return how a trip of WINDOW came about: the drop of the window's events up to each of them."""
    first, last = seen.current[-1].id, seen.current[0].id
    before = seen.baseline[0].id if seen.baseline else selectors.id_before(state.domain, state.metric, first)
    baseline, current = found.baseline or Fraction(0), found.current or Fraction(0)
    newest_first = [*seen.current, *seen.baseline]
    since = rules.since_onset(newest_first, baseline, current)
    points, total = [], Decimal(0)
    for count, event in enumerate(reversed(seen.current), 1):
        total = rules.added(total, event)
        drop = rules.double((baseline - Fraction(total) / count) / baseline) or 0.0
        points.append([event.id, round(drop, 4)])
    return Story(
        first_event_id=first,
        last_event_id=last,
        baseline_end_id=before,
        onset_event_id=newest_first[since - 1].id,
        events_to_detect=since,
        path=_path("drop_fraction", float(terms.max_drop_fraction), standing.thinned(points)),
    )


def _in_sequence(policy: RegressionPolicy, state: RegressionState, pinned: RegressionBaseline | None) -> Sight:
    kept = standing.restored(state.evidence) if state.evidence else None
    if pinned is None or kept is None or kept.pin != pinned.number:
        return Sight(None, None, None, 0, 0, False, lambda triggered: words.unpinned(policy, triggered), _no_story)
    against = detector(policy, pinned, kept.arming)
    reading = sequential.read(kept.evidence, against)

    def note(triggered: bool) -> str:
        return words.weighed(policy, pinned, against, reading, triggered=triggered)

    def story() -> Story:
        return _of_evidence(state, pinned, kept, against, reading)

    return Sight(
        pinned.mean, pinned.scale.value(reading.mean), reading.drop, pinned.events,
        reading.units * pinned.block_events, policy.enabled and not state.triggered and reading.alarms, note, story,
    )  # fmt: skip


def _of_evidence(
    state: RegressionState, pinned: RegressionBaseline, kept: Standing, against: Detector, reading: Reading
) -> Story:
    """Return how a trip of SEQUENTIAL came about: the log of the evidence, from a mark of it on."""
    named, mark = (state.domain, state.metric), kept.marks[0]
    events = selectors.effective(*named, limit=standing.MOST_RETRACED, above=mark.last_id, upto=kept.last_id)[::-1]
    return Story(
        first_event_id=reading.onset_id,
        last_event_id=kept.last_id,
        baseline_end_id=selectors.id_before(*named, reading.onset_id),
        onset_event_id=reading.onset_id,
        events_to_detect=reading.units * pinned.block_events,
        path=_path("log_evidence", against.log_alarm, standing.path(mark, events, pinned.scale, against)),
    )


def _no_story() -> Story:
    raise AssertionError("a tripwire without a baseline cannot trip")


def _path(figure: str, alarm_at: float, points: list[list[float]]) -> dict[str, Any]:
    return {"figure": figure, "alarm_at": round(alarm_at, 4), "points": points}
