from __future__ import annotations

import datetime as dt

import pytest
from rest_framework.test import APIClient

from governance import clock
from regression.models import KpiEvent, RegressionState
from tests.regression.asking import EVENT, form, get, post, raw
from tests.regression.factories import (
    DOMAIN,
    METRIC,
    PAIR,
    EventFactory,
    PolicyFactory,
    record_at_once,
)

pytestmark = pytest.mark.django_db


def test_the_first_event_answers_with_its_id(api: APIClient) -> None:
    told = post(api, "kpi", {**EVENT, "success": True}, 201)
    assert told == {"ok": True, "id": KpiEvent.objects.get().pk}


@pytest.mark.parametrize(
    ("body", "success", "value"),
    [
        ("success=true", True, None),
        ("success=false", False, None),
        ("value=0.5", None, 0.5),
        ("value=-1e15", None, -1e15),
        ("success=&value=3", None, 3.0),
    ],
)
def test_an_event_by_form(api: APIClient, body: str, success: bool | None, value: float | None) -> None:
    form(api, "kpi", f"domain=wholesale&metric=contract_rate&actor=test&{body}", 201)
    event = KpiEvent.objects.get()
    assert (event.domain, event.success, event.value, event.actor) == ("WHOLESALE", success, value, "test")


def test_what_is_null_is_not_given(api: APIClient) -> None:
    post(api, "kpi", {**EVENT, "success": False, "value": None, "correlation_id": "abc"}, 201)
    event = KpiEvent.objects.get()
    assert (event.success, event.value, event.correlation_id) == (False, None, "abc")


@pytest.mark.sqlite  # what is malformed never reaches the database
@pytest.mark.parametrize(
    ("more", "fields"),
    [
        ('"success": 1', {"success"}),
        ('"success": "null"', {"success"}),
        ('"success": "maybe"', {"success"}),
        ('"success": []', {"success"}),
        ('"success": true, "value": 1', {"success", "value"}),
        ('"success": null, "value": null', {"success", "value"}),
        ('"value": true', {"value"}),
        ('"value": "x"', {"value"}),
        ('"value": 1e400', {"value"}),
        ('"value": "nan"', {"value"}),
        ('"value": "inf"', {"value"}),
        ('"value": 1000000000000001', {"value"}),
        ('"value": -1000000000000001', {"value"}),
        (f'"value": {"9" * 400}', {"value"}),
        ('"value": 1, "domain": "A B"', {"domain"}),
        ('"value": 1, "domain": "A\\u0000"', {"domain"}),
        ('"value": 1, "metric": ""', {"metric"}),
        (f'"value": 1, "metric": "{"m" * 65}"', {"metric"}),
        ('"value": 1, "actor": "\\u0000"', {"actor"}),
        (f'"value": 1, "correlation_id": "{"c" * 65}"', {"correlation_id"}),
    ],
)
def test_a_malformed_event_names_the_field_and_records_nothing(api: APIClient, more: str, fields: set[str]) -> None:
    problem = raw(api, "kpi", f'{{"domain": "WHOLESALE", "metric": "contract_rate", "actor": "a", {more}}}')
    assert set(problem["errors"]) == fields
    assert not KpiEvent.objects.exists()


def test_neither_success_nor_value_says_what_to_send(api: APIClient) -> None:
    for problem in (post(api, "kpi", EVENT, 400), form(api, "kpi", "domain=A&metric=b&actor=c", 400)):
        assert "exactly one of success (true or false) and value" in problem["errors"]["success"][0]


@pytest.mark.parametrize("body", ["[]", "1", '"x"', "{", '{"value": NaN}', ""])
def test_a_body_that_is_no_object_is_malformed(api: APIClient, body: str) -> None:
    raw(api, "kpi", body)
    assert not KpiEvent.objects.exists()


def test_events_are_listed_newest_first_and_filtered(api: APIClient) -> None:
    yesterday = clock.now() - dt.timedelta(days=1)
    old = EventFactory(at=yesterday)
    other = EventFactory(metric="another", actor="ada")
    new = EventFactory(success=None, value=0.5, correlation_id="abc")
    assert [row["id"] for row in get(api, "kpi")["results"]] == [new.pk, other.pk, old.pk]
    assert get(api, "kpi", correlation_id="abc")["results"] == [
        {
            "id": new.pk, "at": new.at.isoformat().replace("+00:00", "Z"), "domain": DOMAIN, "metric": METRIC,
            "success": None, "value": 0.5, "actor": "bot", "correlation_id": "abc", "request_id": "",
        }
    ]  # fmt: skip
    for query, found in (
        ({"metric": "another"}, [other]),
        ({"actor": "ada"}, [other]),
        ({"success": "true"}, [other, old]),
        ({"until": (yesterday + dt.timedelta(hours=1)).isoformat()}, [old]),
        ({"domain": "NOBODY"}, []),
    ):
        assert [row["id"] for row in get(api, "kpi", **query)["results"]] == [event.pk for event in found]


def test_a_trip_is_answered_like_any_event(api: APIClient) -> None:
    PolicyFactory()
    record_at_once("SSSSSSSSFFF")
    assert post(api, "kpi", {**PAIR, "success": False, "actor": "bot"}, 201)["ok"]
    assert RegressionState.objects.get().triggered
    refused = api.post("/api/governance/risk/check-and-reserve", {"engine": DOMAIN, "amount": 1, "actor": "bot"}).json()
    assert refused["ok"] is False
