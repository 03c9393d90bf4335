from __future__ import annotations

import datetime as dt
import uuid
from decimal import Decimal
from typing import Any

import pytest

from governance import audit, clock, origin
from governance.models import AuditEvent
from tests.governance.factories import ChangeRequestFactory

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


def record(**more: Any) -> AuditEvent:
    event = audit.record(**{"action": "toy.turn", "target": "A", "actor": "jo", **more})
    event.refresh_from_db()
    return event


@pytest.mark.django_db
def test_a_row_says_who_what_when_and_why() -> None:
    with clock.at(NOON):
        event = record(reason="why", before={"low": 1}, after={"low": 2})
    assert (event.at, event.actor, event.action, event.target, event.outcome, event.reason) == (
        NOON, "jo", "toy.turn", "A", "APPLIED", "why",
    )  # fmt: skip
    assert (event.before, event.after) == ({"low": 1}, {"low": 2})


@pytest.mark.django_db
def test_a_row_says_from_where() -> None:
    change = ChangeRequestFactory()
    with (
        origin.of(via="api", request_id="r-1", address="192.0.2.7"),
        origin.of(change_id=change.pk, on_behalf_of="bob"),
    ):
        event = record()
    assert (event.via, event.request_id, event.address, event.on_behalf_of) == ("api", "r-1", "192.0.2.7", "bob")
    assert event.change_request == change
    outside = record()
    assert (outside.via, outside.request_id, outside.on_behalf_of, outside.change_request) == ("service", "", "", None)


@pytest.mark.django_db
def test_what_is_added_to_the_origin_ends_with_the_call_that_opened_it() -> None:
    with origin.of(via="api"):
        origin.amend(on_behalf_of="bob")
        assert record().on_behalf_of == "bob"
    assert record().on_behalf_of == ""


@pytest.mark.django_db
def test_nothing_before_and_nothing_after_are_null_and_not_empty() -> None:
    event = record()
    assert event.before is event.after is None
    assert record(after={}).after == {}


def test_a_snapshot_reads_the_same_before_and_after_it_was_stored() -> None:
    snapshot = {
        "cap": Decimal("12.34"),
        "at": NOON,
        "id": uuid.UUID(int=7),
        "on": True,
        "of": None,
        "l": (1,),
    }
    stored = audit.canonical(snapshot)
    assert stored == {
        "cap": "12.34", "at": "2026-11-24T12:00:00Z", "id": str(uuid.UUID(int=7)), "on": True, "of": None, "l": [1],
    }  # fmt: skip
    assert audit.canonical(stored) == stored
