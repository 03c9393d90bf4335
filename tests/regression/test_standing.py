from __future__ import annotations

import json
import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regression import sequential, standing
from regression.rules import KILL_SWITCH, THROTTLE, Event
from regression.sequential import Detector
from regression.standing import MOST_POINTS, Standing
from regression.units import Scale

pytestmark = pytest.mark.sqlite  # no database is asked


def _detector(action: str = THROTTLE) -> Detector:
    return Detector(0.75, 0.8, action, math.log(20_000), 0.1)


def _events(outcomes: str) -> list[Event]:
    return [Event(number, letter == "S", None) for number, letter in enumerate(outcomes, 11)]


def _grown(events: list[Event], scale: Scale, detector: Detector) -> Standing:
    kept = standing.anew(1, None, 10)
    for event in events:
        kept = kept.plus(event, scale, detector)
    return kept


@given(
    outcomes=st.text("SF", max_size=40), action=st.sampled_from([THROTTLE, KILL_SWITCH]), block=st.sampled_from([1, 3])
)
def test_what_is_kept_between_events_is_read_back_as_it_was(outcomes: str, action: str, block: int) -> None:
    kept = _grown(_events(outcomes), Scale(block_events=block), _detector(action))
    assert standing.restored(json.loads(json.dumps(kept.stored()))) == kept


def test_what_is_kept_does_not_grow_with_the_events() -> None:
    events = _events("".join(random.Random(1).choices("SF", [8, 2], k=5_000)))
    sizes = [len(json.dumps(_grown(events[:upto], Scale(), _detector()).stored())) for upto in (1_200, 5_000)]
    assert max(sizes) < 1_500
    assert abs(sizes[0] - sizes[1]) < 100


@pytest.mark.parametrize("block", [1, 7])
@pytest.mark.parametrize("count", [20, 499, 500, 1_300])
def test_the_path_from_a_mark_ends_at_the_evidence_as_it_is(block: int, count: int) -> None:
    events, scale = _events("".join(random.Random(2).choices("SF", [8, 2], k=count))), Scale(block_events=block)
    kept = _grown(events, scale, _detector())
    mark = kept.marks[0]
    retraced = [event for event in events if event.id > mark.last_id]
    assert len(retraced) <= 1_010
    points = standing.path(mark, retraced, scale, _detector())
    assert 1 <= len(points) <= MOST_POINTS
    last = sequential.read(kept.evidence, _detector()).log_evidence
    if not kept.evidence.block.events:
        assert points[-1] == [events[-1].id, pytest.approx(last, abs=1e-3)]
    assert points == sorted(points)


def test_a_further_arming_begins_with_nothing_against_its_own_baseline() -> None:
    spent = _grown(_events("SFF"), Scale(), _detector())
    again = standing.anew(2, spent.stored(), 99)
    assert (again.pin, again.arming, again.last_id) == (2, 2, 99)
    assert again.evidence == standing.anew(1, None, 0).evidence


def test_an_arming_that_tested_nothing_has_spent_nothing() -> None:
    again = standing.anew(1, standing.anew(1, None, 10).stored(), 99)
    assert again.arming == 1


@pytest.mark.parametrize(("count", "kept"), [(0, 0), (1, 1), (120, 120), (121, 61), (1_000, 112)])
def test_points_are_thinned_evenly_and_the_last_stays(count: int, kept: int) -> None:
    points = [[float(number), 0.0] for number in range(count)]
    thin = standing.thinned(points)
    assert len(thin) == kept
    assert thin[-1:] == points[-1:]
