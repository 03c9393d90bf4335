"""When a call is sent again, step by step: the operations need neither a site nor a clock."""

from __future__ import annotations

from typing import Any

import pytest
from valhalla_governor import Busy, Conflict, GovernorError, Invalid, NotAllowed, NotFound, Patience, Unavailable
from valhalla_governor.calls import Answer, Call, Lost, Pause
from valhalla_governor.retrying import insist

pytestmark = pytest.mark.sqlite  # no database is asked
PATIENCE = Patience(attempt=3.0, total=60.0, first_pause=0.5, longest_pause=4.0)
GOOD = Answer(200, {"ok": True})
BUSY = Answer(200, {"ok": False, "reason": "busy", "message": "Try again."})
UNDONE = [
    Lost("refused", reached=False),
    BUSY,
    Answer(429, None),
    Answer(503, {"code": "busy"}),
    Answer(503, {"code": "GOVERNANCE_UNAVAILABLE"}),
]
UNCERTAIN = [
    Lost("cut", reached=True),
    Answer(503, {"code": "database_unavailable"}),
    Answer(502, None),
    Answer(500, {"detail": "x"}),
    Answer(200, None),
]
CERTAIN = {400: Invalid, 401: NotAllowed, 403: NotAllowed, 404: NotFound, 409: Conflict, 413: Invalid, 302: Unavailable}


def after(first: Any, *, repeatable: bool, patience: Patience = PATIENCE) -> list[Any]:
    """Return the steps after ``first`` came of the first try, and a good answer of each other."""
    steps, taken = insist(Call("x", {}, repeatable=repeatable), patience), []
    step, outcome = next(steps), first
    try:
        while True:
            taken.append(step)
            step = steps.send(outcome)
            outcome = GOOD if isinstance(step, Call) else None
    except StopIteration as done:
        return [*taken[1:], done.value]
    except GovernorError as error:
        return [*taken[1:], error]


@pytest.mark.parametrize("repeatable", [True, False])
@pytest.mark.parametrize("outcome", UNDONE, ids=repr)
def test_what_was_not_done_is_sent_again(outcome: Any, repeatable: bool) -> None:
    pause, call, told = after(outcome, repeatable=repeatable)
    assert isinstance(pause, Pause)
    assert (call.path, told) == ("x", GOOD.body)


@pytest.mark.parametrize("outcome", UNCERTAIN, ids=repr)
def test_what_may_have_been_done_is_sent_again_only_where_twice_is_once(outcome: Any) -> None:
    assert after(outcome, repeatable=True)[-1] == GOOD.body
    (error,) = after(outcome, repeatable=False)
    assert isinstance(error, Unavailable)


@pytest.mark.parametrize(("status", "kind"), CERTAIN.items())
def test_what_would_be_answered_alike_is_not_sent_again(status: int, kind: type[GovernorError]) -> None:
    (error,) = after(Answer(status, {"code": "c", "detail": "d"}), repeatable=True)
    assert type(error) is kind
    (error,) = after(Answer(status, None), repeatable=True)
    assert type(error) is kind


def test_fields_are_those_of_the_problem() -> None:
    (error,) = after(Answer(400, {"errors": {"amount": ["Too much.", "Far."]}}), repeatable=True)
    assert (error.errors, str(error)) == ({"amount": ["Too much.", "Far."]}, "amount: Too much. Far.")


def test_pauses_are_at_random_up_to_a_bound_that_doubles_to_the_longest() -> None:
    for number, bound in enumerate([0.5, 1.0, 2.0, 4.0, 4.0, 4.0]):
        drawn = [PATIENCE.pause(number) for _ in range(200)]
        assert 0.0 <= min(drawn) < bound * 0.2
        assert bound * 0.8 < max(drawn) <= bound
    assert Patience().pause(10**6) <= Patience().longest_pause


def test_the_seconds_that_were_asked_for_are_waited() -> None:
    pause, *_rest = after(Answer(429, None, {"retry-after": "7"}), repeatable=False)
    assert 7.0 <= pause.seconds <= 7.5
    (error,) = after(Answer(429, None, {"Retry-After": "61"}), repeatable=False)
    assert isinstance(error, Busy)


@pytest.mark.parametrize("told", ["soon", "-1", ""])
def test_an_odd_retry_after_is_none(told: str) -> None:
    pause, *_rest = after(Answer(429, None, {"Retry-After": told}), repeatable=False)
    assert pause.seconds <= 0.5


def test_patience_ends() -> None:
    (error,) = after(BUSY, repeatable=True, patience=PATIENCE.once())
    assert isinstance(error, Busy)


def test_no_try_outlasts_patience() -> None:
    brief = Patience(attempt=3.0, total=1.0, first_pause=0.0, longest_pause=0.0)
    _pause, call, _told = after(BUSY, repeatable=True, patience=brief)
    assert 0.1 <= call.timeout <= 1.0
