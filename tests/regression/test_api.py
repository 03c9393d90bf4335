from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from governance import clock
from governance.models import ChangeRequest
from regression.models import KpiEvent, RegressionIncident, RegressionPolicy, RegressionState
from tests.regression.factories import (
    DOMAIN,
    METRIC,
    EventFactory,
    IncidentFactory,
    PolicyFactory,
    StateFactory,
    record,
    tripped,
)

pytestmark = pytest.mark.django_db
BASE = "/api/governance/regression"
FORM = "application/x-www-form-urlencoded"
STATE = {
    "domain", "metric", "triggered", "baseline", "current", "drop_fraction", "baseline_count", "current_count",
    "last_checked_at", "last_triggered_at", "note",
}  # fmt: skip
EVENT = {"domain": "WHOLESALE", "metric": "contract_rate", "actor": "system"}
PAIR = {"domain": DOMAIN, "metric": METRIC}


def _post(api: APIClient, path: str, body: dict[str, Any] | None = None, expect: int = 200) -> Any:
    answer = api.post(f"{BASE}/{path}", body or {})
    assert answer.status_code == expect, answer.content
    return answer.json()


def _form(api: APIClient, path: str, body: str, expect: int = 200) -> Any:
    answer = api.generic("POST", f"{BASE}/{path}", body, content_type=FORM)
    assert answer.status_code == expect, answer.content
    return answer.json()


def _raw(api: APIClient, path: str, body: str) -> Any:
    answer = api.generic("POST", f"{BASE}/{path}", body, content_type="application/json")
    assert answer.status_code == 400, answer.content
    return answer.json()


def _get(api: APIClient, path: str, **query: Any) -> Any:
    answer = api.get(f"{BASE}/{path}", query)
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_every_address_has_its_name_and_takes_a_trailing_slash(api: APIClient) -> None:
    for name in ("policies", "state", "kpi"):
        assert reverse(f"regression-{name}") == f"{BASE}/{name}"
        assert api.get(f"{BASE}/{name}/").status_code == 200
    for name in ("evaluate", "rearm"):
        assert reverse(f"regression-{name}") == f"{BASE}/{name}"
    assert reverse("regression-policies-upsert") == f"{BASE}/policies/upsert"
    assert reverse("regression-incidents-list") == f"{BASE}/incidents"
    assert reverse("regression-incidents-acknowledge", args=[7]) == f"{BASE}/incidents/7/acknowledge"


# Policies and states


def test_policies_are_a_bare_array_of_the_seeds(api: APIClient) -> None:
    rows = _get(api, "policies")
    assert [(row["domain"], row["metric"], row["action"], row["max_drop_fraction"]) for row in rows] == [
        ("BUYER_MATCH", "match_success", "THROTTLE", 0.25),
        ("CAPITAL", "roi_event", "KILL_SWITCH", 0.3),
        ("WHOLESALE", "contract_rate", "THROTTLE", 0.2),
        ("WHOLESALE", "offer_accept_rate", "THROTTLE", 0.15),
    ]
    assert set(rows[0]) == {
        "domain", "metric", "window_events", "baseline_events", "min_events_to_enforce", "max_drop_fraction", "action",
        "enabled", "mode", "detector", "baseline_kind", "baseline_size", "block_events", "value_low", "value_high",
        "beta", "run_length", "alpha", "until", "retired", "changed_by", "reason", "updated_at",
    }  # fmt: skip
    assert {(row["window_events"], row["baseline_events"], row["min_events_to_enforce"]) for row in rows} == {
        (50, 200, 50)
    }
    assert not any(row["enabled"] for row in rows)


def test_the_state_is_an_empty_array_until_a_tripwire_is_enabled_or_evaluated(api: APIClient) -> None:
    assert _get(api, "state") == []
    _post(api, "kpi", {**EVENT, "success": True}, 201)
    assert _get(api, "state") == []
    _post(api, "policies/upsert", {**EVENT, "enabled": True})
    (row,) = _get(api, "state")
    assert set(row) == STATE
    assert (row["domain"], row["metric"], row["triggered"], row["baseline"]) == ("WHOLESALE", "contract_rate", False, 1)


def test_an_upsert_changes_the_fields_that_it_names_and_no_others(api: APIClient) -> None:
    body = {"domain": " wholesale ", "metric": "Contract_Rate", "enabled": True, "changed_by": "test_deployment"}
    row = _post(api, "policies/upsert", body)
    assert (row["domain"], row["metric"], row["enabled"], row["changed_by"]) == (
        "WHOLESALE", "contract_rate", True, "test_deployment",
    )  # fmt: skip
    assert (row["window_events"], row["baseline_events"], row["max_drop_fraction"]) == (50, 200, 0.2)


def test_an_upsert_by_form_reads_the_same(api: APIClient) -> None:
    row = _form(api, "policies/upsert", "domain=NEW&metric=rate&max_drop_fraction=0.35&window_events=60&actor=jo")
    assert (row["max_drop_fraction"], row["window_events"], row["enabled"]) == (0.35, 60, False)
    row = _form(api, "policies/upsert", "domain=NEW&metric=rate&enabled=true")
    assert (row["max_drop_fraction"], row["window_events"], row["enabled"]) == (0.35, 60, True)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("window_events", 0),
        ("window_events", 10_001),
        ("window_events", 1.5),
        ("window_events", True),
        ("window_events", None),
        ("window_events", 49),
        ("baseline_events", 49),
        ("baseline_events", "many"),
        ("min_events_to_enforce", 0),
        ("min_events_to_enforce", 51),
        ("max_drop_fraction", 0),
        ("max_drop_fraction", 1.000001),
        ("max_drop_fraction", 0.0000001),
        ("max_drop_fraction", -0.1),
        ("max_drop_fraction", True),
        ("action", "SHOUT"),
        ("enabled", 1),
        ("enabled", "maybe"),
        ("colour", "red"),
    ],
)
def test_a_malformed_upsert_names_the_field_and_changes_nothing(api: APIClient, field: str, value: Any) -> None:
    before = _get(api, "policies")
    problem = _post(api, "policies/upsert", {**EVENT, field: value}, 400)
    assert set(problem["errors"]) == {field}
    assert problem["errors"][field][0]
    assert _get(api, "policies") == before


@pytest.mark.parametrize(("drop", "shown"), [("0.000001", 0.000001), (1, 1)])
def test_a_drop_at_its_bounds(api: APIClient, drop: Any, shown: float) -> None:
    assert _post(api, "policies/upsert", {**EVENT, "max_drop_fraction": drop})["max_drop_fraction"] == shown


def test_a_loosening_upsert_waits_and_says_what_was_applied(api: APIClient, settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    body = {**EVENT, "enabled": True, "max_drop_fraction": 0.5, "reason": "too noisy"}
    told = _post(api, "policies/upsert", body, 202)
    assert told["applied"]["enabled"]
    assert told["applied"]["max_drop_fraction"] == 0.2
    assert told["change"]["patch"] == {"max_drop_fraction": "0.5"}
    assert ChangeRequest.objects.count() == 1


# Events


def test_the_first_event_answers_with_its_id(api: APIClient) -> None:
    told = _post(api, "kpi", {**EVENT, "success": True}, 201)
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
    _form(api, "kpi", f"domain=wholesale&metric=contract_rate&actor=test&{body}", 201)
    event = KpiEvent.objects.get()
    assert (event.domain, event.success, event.value, event.actor) == ("WHOLESALE", success, value, "test")


def test_what_is_null_is_not_given(api: APIClient) -> None:
    _post(api, "kpi", {**EVENT, "success": False, "value": None, "correlation_id": "abc"}, 201)
    event = KpiEvent.objects.get()
    assert (event.success, event.value, event.correlation_id) == (False, None, "abc")


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
    problem = _raw(api, "kpi", f'{{"domain": "WHOLESALE", "metric": "contract_rate", "actor": "a", {more}}}')
    assert set(problem["errors"]) == fields
    assert not KpiEvent.objects.exists()


def test_neither_success_nor_value_says_what_to_send(api: APIClient) -> None:
    for problem in (_post(api, "kpi", EVENT, 400), _form(api, "kpi", "domain=A&metric=b&actor=c", 400)):
        assert "exactly one of success (true or false) and value" in problem["errors"]["success"][0]


@pytest.mark.parametrize("body", ["[]", "1", '"x"', "{", '{"value": NaN}', ""])
def test_a_body_that_is_no_object_is_malformed(api: APIClient, body: str) -> None:
    _raw(api, "kpi", body)
    assert not KpiEvent.objects.exists()


def test_events_are_listed_newest_first_and_filtered(api: APIClient) -> None:
    yesterday = clock.now() - dt.timedelta(days=1)
    old = EventFactory(at=yesterday)
    other = EventFactory(metric="another", actor="ada")
    new = EventFactory(success=None, value=0.5, correlation_id="abc")
    assert [row["id"] for row in _get(api, "kpi")["results"]] == [new.pk, other.pk, old.pk]
    assert _get(api, "kpi", correlation_id="abc")["results"] == [
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
        assert [row["id"] for row in _get(api, "kpi", **query)["results"]] == [event.pk for event in found]


# Evaluating and re-arming


def test_an_evaluation_by_form_answers_with_the_state(api: APIClient) -> None:
    _post(api, "kpi", {**EVENT, "success": True}, 201)
    told = _form(api, "evaluate", "domain=WHOLESALE&metric=contract_rate&actor=test")
    assert (told["ok"], set(told["state"])) == (True, STATE)
    assert (told["state"]["baseline"], told["state"]["current"], told["state"]["drop_fraction"]) == (1, 1, 0)


def test_an_evaluation_without_a_policy_is_a_refusal(api: APIClient) -> None:
    policies = RegressionPolicy.objects.count()
    told = _post(api, "evaluate", {"domain": "nowhere", "metric": "rate", "actor": "test"})
    assert told == {
        "ok": False, "reason": "policy_missing", "state": None,
        "message": "There is no regression policy for NOWHERE/rate: an operator must create one.",
    }  # fmt: skip
    assert RegressionPolicy.objects.count() == policies


def test_the_state_of_a_triggered_one_shows_its_figures(api: APIClient) -> None:
    tripped()
    (row,) = _get(api, "state")
    assert (row["triggered"], row["baseline"], row["current"], row["drop_fraction"]) == (True, 1, 0, 1)
    assert (row["baseline_count"], row["current_count"]) == (8, 4)
    assert row["last_triggered_at"]
    assert row["note"].startswith("Triggered")


def test_re_arming_answers_with_the_state(api: APIClient) -> None:
    tripped()
    state = _post(api, "rearm", {**PAIR, "actor": "jo", "reason": "mended"})
    assert set(state) == STATE
    assert (state["triggered"], state["current_count"], state["drop_fraction"]) == (False, 0, 0)


def test_re_arming_needs_a_reason_and_a_tripwire(api: APIClient) -> None:
    tripped()
    assert set(_post(api, "rearm", {**PAIR, "actor": "jo"}, 400)["errors"]) == {"reason"}
    _post(api, "rearm", {"domain": "NOWHERE", "metric": "rate", "reason": "x"}, 404)
    assert RegressionState.objects.get().triggered


def test_re_arming_waits_for_a_second_person(api: APIClient, settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    tripped()
    told = _post(api, "rearm", {**PAIR, "actor": "jo", "reason": "mended"}, 202)
    assert told["change"]["action"] == "regression.rearm"
    assert RegressionState.objects.get().triggered


# Incidents


def test_an_incident_is_acknowledged_then_resolved(api: APIClient) -> None:
    tripped()
    (row,) = _get(api, "incidents")["results"]
    assert (row["status"], row["domain"], row["max_drop_fraction"]) == ("OPEN", DOMAIN, 0.2)
    address = f"incidents/{row['id']}"
    assert _post(api, f"{address}/acknowledge", {"actor": "jo"})["acknowledged_by"] == "jo"
    assert _post(api, f"{address}/acknowledge", {"actor": "ada"}, 409)["code"] == "not_open"
    done = _post(api, f"{address}/resolve", {"actor": "ada", "reason": "bad data"})
    assert (done["status"], done["resolved_by"], done["resolution"]) == ("RESOLVED", "ada", "bad data")
    assert _post(api, f"{address}/resolve", {"actor": "ada"}, 409)["code"] == "already_resolved"
    assert _get(api, address) == done


@pytest.mark.parametrize("number", ["999", "x", "9" * 19])
def test_there_is_no_such_incident(api: APIClient, number: str) -> None:
    assert api.get(f"{BASE}/incidents/{number}").status_code == 404
    assert api.post(f"{BASE}/incidents/{number}/resolve", {}).status_code == 404


def test_incidents_are_filtered(api: APIClient) -> None:
    old = IncidentFactory(opened_at=clock.now() - dt.timedelta(days=2))
    other = IncidentFactory(domain="ANOTHER", action="KILL_SWITCH")
    for query, found in (
        ({}, [other, old]),
        ({"domain": "ANOTHER"}, [other]),
        ({"action": "THROTTLE"}, [old]),
        ({"status": "RESOLVED"}, []),
        ({"since": (clock.now() - dt.timedelta(days=1)).isoformat()}, [other]),
        ({"until": (clock.now() - dt.timedelta(days=1)).isoformat()}, [old]),
    ):
        assert [row["id"] for row in _get(api, "incidents", **query)["results"]] == [row.pk for row in found]


# Who may call, and what it costs


def _client(role: str | None) -> APIClient:
    client = APIClient(SERVER_NAME="localhost")
    if role is not None:
        user = User.objects.create_user(role)
        user.groups.add(Group.objects.get(name=role))
        client.force_authenticate(user)
    return client


@pytest.mark.parametrize("role", [None, "viewer", "engine", "operator", "approver", "auditor"])
def test_each_role_may_do_what_its_rights_say(settings: LazySettings, role: str | None) -> None:
    settings.API_AUTH = "token"
    tripped()
    incident = RegressionIncident.objects.get().pk
    client = _client(role)
    reads = [client.get(f"{BASE}/{path}").status_code for path in ("policies", "state", "kpi", "incidents")]
    acts = [
        client.post(f"{BASE}/kpi", {**EVENT, "success": True}).status_code,
        client.post(f"{BASE}/evaluate", EVENT).status_code,
    ]
    operates = [
        client.post(f"{BASE}/policies/upsert", {**EVENT, "max_drop_fraction": 0.1}).status_code,
        client.post(f"{BASE}/incidents/{incident}/acknowledge", {}).status_code,
        client.post(f"{BASE}/incidents/{incident}/resolve", {}).status_code,
        client.post(f"{BASE}/rearm", {**PAIR, "reason": "mended"}).status_code,
    ]
    no = 401 if role is None else 403
    assert reads == [no if role is None else 200] * 4
    assert acts == ([201, 200] if role == "engine" else [no] * 2)
    assert operates == ([200] * 4 if role == "operator" else [no] * 4)


def test_the_authenticated_user_is_the_actor(settings: LazySettings) -> None:
    settings.API_AUTH = "token"
    _client("engine").post(f"{BASE}/kpi", {**EVENT, "success": True})
    assert KpiEvent.objects.get().actor == "engine"


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("policies", lambda: PolicyFactory(metric=f"m{RegressionPolicy.objects.count()}")),
        ("state", lambda: StateFactory(metric=f"m{RegressionState.objects.count()}")),
        ("kpi", EventFactory),
        ("incidents", IncidentFactory),
    ],
)
def test_a_list_asks_the_same_number_of_queries_at_one_row_and_at_ten(api: APIClient, path: str, rows: Any) -> None:
    counts = []
    for more in (1, 9):
        for _ in range(more):
            rows()
        with CaptureQueriesContext(connection) as seen:
            _get(api, path)
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_a_trip_is_answered_like_any_event(api: APIClient) -> None:
    PolicyFactory()
    record("SSSSSSSSFFF")
    assert _post(api, "kpi", {**PAIR, "success": False, "actor": "bot"}, 201)["ok"]
    assert RegressionState.objects.get().triggered
    refused = api.post("/api/governance/risk/check-and-reserve", {"engine": DOMAIN, "amount": 1, "actor": "bot"}).json()
    assert refused["ok"] is False
