"""The one door: what is applied, what waits, what is refused, and what is left in the trail."""

from __future__ import annotations

from typing import Any

import pytest

from governance import changes, origin
from governance.changes import Applied, Refused
from governance.errors import Invalid, NotFound
from governance.models import AuditEvent, ChangeRequest
from tests.governance.door import refused, submit
from tests.governance.toys import TURN, Dial, toy_lever

pytestmark = pytest.mark.django_db


# One person is enough


def test_a_change_is_applied_and_leaves_one_row_with_before_after_and_origin(dial: Dial) -> None:
    with origin.of(via="api", request_id="r-1", address="192.0.2.7", on_behalf_of="bob"):
        outcome = submit({"low": 7})
    assert outcome == Applied({"low": 7, "high": 5})
    event = AuditEvent.objects.get()
    assert (event.outcome, event.actor, event.action, event.target, event.reason) == ("APPLIED", "jo", TURN, "A", "why")
    assert (event.before, event.after) == ({"low": 5, "high": 5}, {"low": 7, "high": 5})
    assert (event.via, event.request_id, event.address, event.on_behalf_of) == ("api", "r-1", "192.0.2.7", "bob")
    assert event.change_request is None


def test_without_four_eyes_what_loosens_is_applied_at_once(dial: Dial) -> None:
    assert isinstance(submit({"high": 9}, reason=""), Applied)
    assert dial.high == 9
    assert not ChangeRequest.objects.exists()


def test_a_field_that_is_not_named_is_left_alone(dial: Dial) -> None:
    submit({"low": 1})
    assert dial.snapshot() == {"low": 1, "high": 5}


@pytest.mark.parametrize(
    ("asked", "field", "said"),
    [
        ({"patch": {"low": 10}}, "low", "from 0 to 9"),
        ({"patch": {"low": "1.5"}}, "low", "whole number"),
        ({"patch": {"lowest": 1}}, "lowest", "Is no field of this change: it takes low, high."),
        ({"patch": {"low": 1, "\0": 1}}, "\0", "Is no field"),
        ({"patch": {"low": 1}, "target": "a b"}, "target", "Must be letters."),
        ({"patch": {"low": 1}, "target": ""}, "target", "Must be letters."),
    ],
)
def test_a_malformed_change_names_the_field_and_changes_nothing(
    asked: dict[str, Any], field: str, said: str, dial: Dial
) -> None:
    with pytest.raises(Invalid) as raised:
        submit(**asked)
    assert list(raised.value.errors) == [field]
    assert said in raised.value.errors[field][0]
    assert dial == Dial()
    assert not AuditEvent.objects.exists()


def test_an_action_that_no_lever_offers_is_not_found() -> None:
    with pytest.raises(NotFound, match=r"No lever offers an action called 'toy\.turn'"):
        submit({"low": 1})


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_an_action_that_asks_for_a_reason_gets_one(reason: str) -> None:
    with toy_lever(needs_reason=True) as dial, pytest.raises(Invalid) as raised:
        submit({"low": 1}, reason=reason)
    assert list(raised.value.errors) == ["reason"]
    assert dial.low == 5


def test_what_the_lever_refuses_beforehand_is_recorded_and_changes_nothing(dial: Dial) -> None:
    dial.refusal = Refused("pinned", "Re-arm first.")
    assert submit({"low": 1}, reason="") is dial.refusal
    event = AuditEvent.objects.get()
    assert (event.outcome, event.reason) == ("REFUSED", "Re-arm first.")
    assert event.after == {"asked": {"low": 1}, "refused": "pinned"}
    assert dial.low == 5


def test_what_the_service_refuses_is_recorded_with_the_reason_that_was_given(dial: Dial) -> None:
    refused(submit({"low": 0}), "too_low")
    event = AuditEvent.objects.get()
    assert (event.outcome, event.reason) == ("REFUSED", "why")
    assert dial.low == 5


# A look before the leap


@pytest.mark.parametrize(("patch", "loosening"), [({"low": 4}, set()), ({"low": 4, "high": 6}, {"high"})])
def test_a_preview_shows_before_and_after_and_changes_nothing(
    patch: dict[str, int], loosening: set[str], dial: Dial
) -> None:
    seen = changes.preview(action=TURN, target="a", patch=patch)
    assert (seen.before, seen.after) == ({"low": 5, "high": 5}, {"low": 5, "high": 5, **patch})
    assert (seen.changed, seen.loosening, seen.refusal) == (set(patch), loosening, None)
    assert dial.snapshot() == {"low": 5, "high": 5}
    assert not AuditEvent.objects.exists()
