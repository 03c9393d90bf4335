"""Four eyes: what waits for a second person, what that person may do, and when a proposal dies."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from golive import services as golive
from golive.models import GoLiveState
from governance import approvals, clock, origin
from governance.changes import Applied, Pending, Refused
from governance.errors import Invalid, NotFound
from governance.models import AuditEvent, ChangeRequest
from tests.approvers import approver
from tests.governance.door import approve, proposed, refused, status, submit, trail
from tests.governance.toys import SWAP, TURN, Dial, toy_lever

SECOND = dt.timedelta(seconds=1)
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_four_eyes", "_pat_approves")]


@pytest.fixture
def _pat_approves(db: None) -> None:
    approver("pat")


def test_what_tightens_waits_for_no_one(dial: Dial) -> None:
    assert isinstance(submit({"low": 4, "high": 5}, reason=""), Applied)
    assert dial.snapshot() == {"low": 4, "high": 5}


def test_what_loosens_waits_and_changes_nothing(dial: Dial) -> None:
    with clock.at(dt.datetime(2026, 11, 24, tzinfo=dt.UTC)):
        change = proposed({"low": 6})
    assert dial.snapshot() == {"low": 5, "high": 5}
    assert (change.action, change.target, change.patch, change.before) == (TURN, "A", {"low": 6}, {"low": 5, "high": 5})
    assert (change.status, change.requested_by, change.reason) == ("PENDING", "jo", "why")
    assert change.expires_at - change.requested_at == dt.timedelta(hours=72)
    event = AuditEvent.objects.get()
    assert (event.outcome, event.actor, event.reason, event.change_request) == ("PROPOSED", "jo", "why", change)
    assert event.before == change.before
    assert event.after == {"asked": {"low": 6}, "expires_at": "2026-11-27T00:00:00+00:00"}


def test_a_patch_that_does_both_applies_its_tightening_half_and_leaves_the_rest(dial: Dial) -> None:
    outcome = submit({"low": 3, "high": 8})
    assert isinstance(outcome, Pending)
    assert outcome.result == {"low": 3, "high": 5}
    assert outcome.change.patch == {"high": 8}
    assert outcome.change.before == {"low": 3, "high": 5}
    assert isinstance(approve(outcome.change), Applied)
    assert dial.snapshot() == {"low": 3, "high": 8}


def test_where_the_tightening_half_is_refused_nothing_is_proposed(dial: Dial) -> None:
    refused(submit({"low": 0, "high": 8}), "too_low")
    assert dial == Dial(locked=True)
    assert not ChangeRequest.objects.exists()


def test_an_action_that_cannot_be_divided_waits_as_a_whole(dial: Dial) -> None:
    change = proposed({"low": 3, "high": 8}, SWAP)
    assert dial.snapshot() == {"low": 5, "high": 5}
    assert change.patch == {"low": 3, "high": 8}
    assert isinstance(approve(change), Applied)
    assert dial.snapshot() == {"low": 3, "high": 8}


def test_a_patch_that_loosens_as_a_whole_is_never_divided() -> None:
    with toy_lever(loosens=lambda _standing, _patch: {"*"}) as dial:
        change = proposed({"low": 3})
        assert dial.low == 5
        assert change.patch == {"low": 3}


@pytest.mark.parametrize("reason", ["", " "])
def test_a_proposal_says_why_and_without_it_not_even_its_tightening_half_is_applied(reason: str, dial: Dial) -> None:
    with pytest.raises(Invalid) as raised:
        submit({"low": 3, "high": 8}, reason=reason)
    assert list(raised.value.errors) == ["reason"]
    assert dial.snapshot() == {"low": 5, "high": 5}
    assert not ChangeRequest.objects.exists()


def test_a_second_person_applies_it_exactly_as_proposed(dial: Dial) -> None:
    change = proposed({"high": 8})
    with origin.of(via="api", request_id="r-2"):
        assert approve(change) == Applied({"low": 5, "high": 8})
    assert status(change) == "APPLIED"
    assert (change.decided_by, change.decision_reason) == ("pat", "seen")
    assert trail() == [("PROPOSED", "jo"), ("APPLIED", "pat"), ("APPROVED", "pat")]
    applied = AuditEvent.objects.get(outcome="APPLIED")
    assert (applied.change_request, applied.on_behalf_of, applied.reason) == (change, "jo", "why")
    assert set(AuditEvent.objects.exclude(outcome="PROPOSED").values_list("request_id", flat=True)) == {"r-2"}


def test_nobody_approves_their_own(dial: Dial) -> None:
    change = proposed({"high": 8})
    refused(approve(change, "jo"), "own_change")
    assert (status(change), dial.high) == ("PENDING", 5)
    assert isinstance(approve(change, "Jo"), Applied)


@pytest.mark.parametrize("end", ["approve", "reject", "withdraw"])
@pytest.mark.parametrize("earlier", ["approve", "reject", "withdraw"])
def test_a_change_is_decided_once(earlier: str, end: str, dial: Dial) -> None:
    change = proposed({"high": 8})
    for name in (earlier, end):
        decide = getattr(approvals, name)
        outcome = decide(change_id=change.pk, actor="jo" if name == "withdraw" else "pat")
    refused(outcome, "not_pending")
    assert dial.high == (8 if earlier == "approve" else 5)


def test_a_rejected_change_is_never_applied(dial: Dial) -> None:
    change = proposed({"high": 8})
    ended = approvals.reject(change_id=change.pk, actor="pat", reason="too high")
    assert isinstance(ended, ChangeRequest)
    assert (status(change), change.decided_by, change.decision_reason) == ("REJECTED", "pat", "too high")
    assert trail() == [("PROPOSED", "jo"), ("REJECTED", "pat")]
    assert dial.high == 5


def test_only_who_proposed_a_change_takes_it_back(dial: Dial) -> None:
    change = proposed({"high": 8})
    refused(approvals.withdraw(change_id=change.pk, actor="pat"), "not_yours")
    assert (status(change), trail()[-1]) == ("PENDING", ("REFUSED", "pat"))
    assert isinstance(approvals.withdraw(change_id=change.pk, actor="jo", reason="oops"), ChangeRequest)
    assert status(change) == "WITHDRAWN"
    assert trail() == [("PROPOSED", "jo"), ("REFUSED", "pat"), ("WITHDRAWN", "jo")]


@pytest.mark.parametrize("decide", [approvals.approve, approvals.reject, approvals.withdraw])
@pytest.mark.parametrize("change_id", [0, 7, -1, 2**70])
def test_a_change_that_is_not_there_is_not_found(decide: Any, change_id: int) -> None:
    with pytest.raises(NotFound, match=f"There is no change request {change_id}"):
        decide(change_id=change_id, actor="pat")


# A proposal dies


@pytest.mark.parametrize("decide", [approvals.approve, approvals.reject, approvals.withdraw])
@pytest.mark.parametrize(("late", "dead"), [(-SECOND, False), (dt.timedelta(), True), (SECOND, True)])
def test_it_dies_when_its_time_is_over(decide: Any, late: dt.timedelta, dead: bool, dial: Dial) -> None:
    change = proposed({"high": 8})
    with clock.at(change.expires_at + late):
        outcome = decide(change_id=change.pk, actor="jo" if decide is approvals.withdraw else "pat")
    assert isinstance(outcome, Refused) is dead
    if dead:
        refused(outcome, "expired")
        assert (status(change), change.decided_by) == ("EXPIRED", "expiry")
        assert trail()[-1] == ("EXPIRED", "expiry")
        assert dial.high == 5


def test_it_dies_when_its_target_has_changed_and_both_are_shown(dial: Dial) -> None:
    change = proposed({"high": 8})
    submit({"low": 4}, actor="kim", reason="tighter")
    outcome = refused(approve(change), "stale")
    assert outcome.details["proposed_against"] == {"low": 5, "high": 5}
    assert outcome.details["standing"] == {"low": 4, "high": 5}
    assert (outcome.details["changed"]["actor"], outcome.details["changed"]["reason"]) == ("kim", "tighter")
    assert (status(change), change.decided_by) == ("STALE", "pat")
    assert trail()[-1] == ("STALE", "pat")
    assert dial.high == 5


def test_it_dies_when_its_target_has_changed_outside_of_the_door(dial: Dial) -> None:
    change = proposed({"high": 8})
    dial.low = 4
    assert refused(approve(change), "stale").details["changed"] is None
    assert status(change) == "STALE"


@pytest.mark.parametrize("between", [TURN, SWAP])
def test_it_dies_when_its_target_was_changed_and_changed_back(between: str, dial: Dial) -> None:
    change = proposed({"high": 8})
    submit({"low": 4}, between)
    dial.low = 5
    refused(approve(change), "stale")
    assert dial.high == 5


def test_a_change_of_another_target_leaves_it_alone(dial: Dial) -> None:
    change = proposed({"high": 8})
    submit({"low": 4}, target="b")
    dial.low = 5
    assert isinstance(approve(change), Applied)


def test_a_kill_switch_that_was_engaged_again_is_not_released_by_what_was_proposed_before() -> None:
    golive.engage_kill_switch(actor="jo", reason="first")
    release = {"action": "kill_switch.release", "target": ""}
    change = proposed({}, **release)
    golive.engage_kill_switch(actor="kim", reason="second")
    assert refused(approve(change), "stale").details["changed"]["reason"] == "second"
    assert GoLiveState.objects.get().kill_switch_engaged
    again = proposed({}, **release)
    assert isinstance(approve(again), Applied)
    assert not GoLiveState.objects.get().kill_switch_engaged


def test_of_two_proposals_for_one_target_the_second_dies_with_the_approval_of_the_first(dial: Dial) -> None:
    first, second = proposed({"high": 8}), proposed({"low": 8})
    assert isinstance(approve(first), Applied)
    refused(approve(second), "stale")
    assert dial.snapshot() == {"low": 5, "high": 8}


def test_what_the_lever_refuses_at_the_approval_ends_the_request_with_one_row(dial: Dial) -> None:
    change = proposed({"high": 8})
    dial.refusal = Refused("pinned", "Re-arm first.")
    assert approve(change) is dial.refusal
    assert (status(change), change.decision_reason) == ("REFUSED", "Re-arm first.")
    assert trail() == [("PROPOSED", "jo"), ("REFUSED", "pat")]


def test_what_the_service_refuses_at_the_approval_ends_the_request_too(dial: Dial) -> None:
    change = proposed({"low": 0, "high": 8}, SWAP)
    refused(approve(change), "too_low")
    assert status(change) == "REFUSED"
    assert dial.snapshot() == {"low": 5, "high": 5}


@pytest.mark.parametrize("cause", ["malformed by now", "lever gone"])
def test_what_cannot_be_applied_any_more_ends_the_request(cause: str) -> None:
    with toy_lever() as dial:
        change = proposed({"high": 8})
        dial.wrong = Invalid({"high": ["Is at most 7 by now."]})
        if cause == "malformed by now":
            assert "Is at most 7 by now" in refused(approve(change), "inapplicable").message
    if cause == "lever gone":
        assert "No lever offers" in refused(approve(change), "inapplicable").message
    assert status(change) == "REFUSED"
