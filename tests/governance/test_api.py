"""The kernel's own addresses: holds, changes and the audit trail. Odd requests are asked in tests/test_odd_requests."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from factory.django import DjangoModelFactory
from rest_framework.test import APIClient

from governance import clock
from governance.models import Hold
from riskguard.models import RiskPolicy
from tests.access.factories import caller
from tests.governance.factories import AuditEventFactory, ChangeRequestFactory, HoldFactory, ReviewDecisionFactory
from tests.riskguard.asking import PROBLEM

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_nothing_held")]
BASE = "/api/governance"
NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
LISTS = {
    "holds": HoldFactory,
    "changes": ChangeRequestFactory,
    "audit": AuditEventFactory,
    "review/decisions": ReviewDecisionFactory,
}
by_list = pytest.mark.parametrize(("path", "factory"), LISTS.items(), ids=list(LISTS))


@pytest.fixture
def _nothing_held(db: None) -> None:
    Hold.objects.all().delete()


def get(api: APIClient, path: str, **query: Any) -> Any:
    answer = api.get(f"{BASE}/{path}", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


# Lists


@by_list
def test_a_list_is_given_out_in_pages_the_newest_first(
    path: str, factory: type[DjangoModelFactory[Any]], api: APIClient
) -> None:
    rows = [factory().pk for _ in range(5)]
    first = get(api, path, page_size=2)
    assert [row["id"] for row in first["results"]] == rows[:2:-1]
    assert first["previous"] is None
    factory()
    second = api.get(first["next"]).json()
    assert [row["id"] for row in second["results"]] == rows[2:0:-1]
    third = api.get(second["next"]).json()
    assert [row["id"] for row in third["results"]] == rows[:1]
    assert third["next"] is None
    back = api.get(third["previous"]).json()
    assert back["results"] == second["results"]


@by_list
def test_a_list_asks_the_same_number_of_queries_at_one_row_and_at_ten(
    path: str, factory: type[DjangoModelFactory[Any]], api: APIClient
) -> None:
    counts = []
    for more in (1, 9):
        for _ in range(more):
            factory()
        with CaptureQueriesContext(connection) as seen:
            get(api, path)
        counts.append(len(seen))
    assert counts[0] == counts[1]


@by_list
def test_a_row_has_its_own_address_and_takes_a_trailing_slash(
    path: str, factory: type[DjangoModelFactory[Any]], api: APIClient
) -> None:
    row = factory()
    (listed,) = get(api, f"{path}/")["results"]
    assert get(api, f"{path}/{row.pk}") == get(api, f"{path}/{row.pk}/") == listed
    assert reverse(f"{path.replace('/', '-')}-detail", args=[row.pk]) == f"{BASE}/{path}/{row.pk}"


@pytest.mark.parametrize(
    ("query", "found"),
    [("scope=OFFERS", 1), ("source=toy", 2), ("code=tripped", 1), ("scope=OFFERS&code=tripped", 0), ("scope=", 2)],
)
def test_holds_can_be_narrowed(query: str, found: int, api: APIClient) -> None:
    HoldFactory(scope="OFFERS")
    HoldFactory(scope="OTHER", code="tripped")
    assert len(api.get(f"{BASE}/holds?{query}").json()["results"]) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [("status=PENDING", 1), ("status=WITHDRAWN", 1), ("action=toy.turn", 1), ("target=A", 1), ("requested_by=jo", 1)],
)
def test_changes_can_be_narrowed(query: str, found: int, api: APIClient) -> None:
    ChangeRequestFactory(target="A")
    ChangeRequestFactory(action="toy.turn", requested_by="pat", status="WITHDRAWN", decided_at=NOON)
    assert len(api.get(f"{BASE}/changes?{query}").json()["results"]) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("actor=jo", 1), ("action=toy.swap", 1), ("target=B", 1), ("outcome=REFUSED", 1), ("via=api", 1),
        ("request_id=r-1", 1), ("change_request=7", 1), ("change_request=8", 0), ("since=2026-11-24T12:00:00Z", 1),
        ("until=2026-11-24T12:00:00Z", 1), ("since=2026-11-24T13:00:01%2B01:00", 0), ("until=2026-11-24T12:00:01", 2),
    ],
)  # fmt: skip
def test_the_trail_can_be_narrowed(query: str, found: int, api: APIClient) -> None:
    ChangeRequestFactory(pk=7)
    with clock.at(NOON):
        AuditEventFactory(change_request_id=7)
    with clock.at(NOON - dt.timedelta(seconds=1)):
        AuditEventFactory(
            actor="pat", action="toy.swap", target="B", outcome="REFUSED", via="api", request_id="r-1"
        )  # fmt: skip
    assert len(api.get(f"{BASE}/audit?{query}").json()["results"]) == found


@pytest.mark.parametrize(
    ("path", "query"), [("changes", "status=GONE"), ("audit", "since=noon"), ("audit", "change_request=x")]
)
def test_an_odd_filter_is_a_400_that_names_it(path: str, query: str, api: APIClient) -> None:
    answer = api.get(f"{BASE}/{path}?{query}")
    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
    assert list(answer.json()["errors"]) == [query.partition("=")[0]]


# A change on its way


@pytest.fixture
def _four_eyes(settings: LazySettings) -> None:
    settings.API_AUTH, settings.FOUR_EYES = "token", True


def _proposed() -> int:
    operator = caller("operator", name="jo")
    body = {"engine": "WHOLESALE", "max_daily_loss": 900.5, "max_open_risk": 500, "reason": "more room"}
    answer = operator.post(f"{BASE}/risk/policies/upsert", body)
    assert answer.status_code == 202, answer.content
    told = answer.json()
    assert told["pending"] is True
    assert told["message"].endswith("What tightens was applied at once.")
    assert told["applied"]["max_open_risk"] == 500
    assert told["change"]["patch"] == {"max_daily_loss": "900.5"}
    return int(told["change"]["id"])


@pytest.mark.usefixtures("_four_eyes")
def test_what_loosens_waits_and_a_second_person_applies_it() -> None:
    number = _proposed()
    assert RiskPolicy.objects.get(engine="WHOLESALE").max_daily_loss == 200_00
    approver = caller("approver", name="pat")
    (waiting,) = get(approver, "changes", status="PENDING")["results"]
    assert (waiting["id"], waiting["requested_by"], waiting["before"]["max_daily_loss"]) == (number, "jo", 200)
    answer = approver.post(f"{BASE}/changes/{number}/approve", {"reason": "seen"})
    assert answer.status_code == 200
    told = answer.json()
    assert (told["status"], told["decided_by"], told["decision_reason"]) == ("APPLIED", "pat", "seen")
    assert RiskPolicy.objects.get(engine="WHOLESALE").max_daily_loss == 900_50
    again = approver.post(f"{BASE}/changes/{number}/approve", {})
    assert (again.status_code, again.json()["code"], again["Content-Type"]) == (409, "not_pending", PROBLEM)


@pytest.mark.usefixtures("_four_eyes")
def test_a_change_is_rejected_by_an_approver_and_withdrawn_by_who_proposed_it() -> None:
    first, second = _proposed(), ChangeRequestFactory(requested_by="jo").pk
    approver, operator = caller("approver", name="pat"), caller("operator", name="jo")
    assert operator.post(f"{BASE}/changes/{first}/reject", {}).status_code == 403
    assert approver.post(f"{BASE}/changes/{first}/reject", {"reason": "no"}).json()["status"] == "REJECTED"
    assert approver.post(f"{BASE}/changes/{second}/withdraw", {}).status_code == 403
    assert operator.post(f"{BASE}/changes/{second}/withdraw", {}).json()["status"] == "WITHDRAWN"


@pytest.mark.usefixtures("_four_eyes")
def test_nobody_approves_their_own_and_a_changed_target_is_shown_beside_what_was_proposed() -> None:
    number = _proposed()
    own = caller("approver", name="jo").post(f"{BASE}/changes/{number}/approve", {})
    assert (own.status_code, own.json()["code"]) == (409, "own_change")
    approver = caller("approver", name="pat")
    caller("operator", name="kim").post(f"{BASE}/risk/policies/upsert", {"engine": "WHOLESALE", "enabled": False})
    told = approver.post(f"{BASE}/changes/{number}/approve", {}).json()
    assert (told["code"], told["status"]) == ("stale", 409)
    assert (told["proposed_against"]["enabled"], told["standing"]["enabled"]) == (True, False)
    assert told["changed"]["actor"] == "kim"


@pytest.mark.sqlite
@pytest.mark.parametrize("verb", ["approve", "reject", "withdraw"])
def test_a_decision_takes_json_and_form_bodies_and_refuses_odd_ones(verb: str, api: APIClient) -> None:
    for kind, body in (("application/json", '{"actor": "jo"}'), ("application/x-www-form-urlencoded", "actor=jo")):
        row = ChangeRequestFactory()
        assert api.generic("POST", f"{BASE}/changes/{row.pk}/{verb}", body, kind).status_code in {200, 409}
    row = ChangeRequestFactory()
    for odd in ({"reason": "x" * 2_001}, {"actor": ["jo"]}, {"actor": "jo", "changed_by": "pat"}, {"reason": "a\0"}):
        answer = api.post(f"{BASE}/changes/{row.pk}/{verb}", odd)
        assert answer.status_code == 400
        assert answer.json()["errors"]
    row.refresh_from_db()
    assert row.status == "PENDING"
