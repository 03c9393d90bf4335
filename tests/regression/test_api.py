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
from regression.models import KpiEvent, RegressionIncident, RegressionPolicy, RegressionState
from tests.regression.asking import BASE, EVENT, STATE, form, get, post
from tests.regression.factories import (
    DOMAIN,
    PAIR,
    EventFactory,
    IncidentFactory,
    PolicyFactory,
    StateFactory,
    tripped,
)

pytestmark = pytest.mark.django_db


def test_every_address_has_its_name_and_takes_a_trailing_slash(api: APIClient) -> None:
    for name in ("policies", "state", "kpi"):
        assert reverse(f"regression-{name}") == f"{BASE}/{name}"
        assert api.get(f"{BASE}/{name}/").status_code == 200
    for name in ("evaluate", "rearm"):
        assert reverse(f"regression-{name}") == f"{BASE}/{name}"
    assert reverse("regression-policies-upsert") == f"{BASE}/policies/upsert"
    assert reverse("regression-incidents-list") == f"{BASE}/incidents"
    assert reverse("regression-incidents-acknowledge", args=[7]) == f"{BASE}/incidents/7/acknowledge"


# States: evaluating and re-arming


def test_the_state_is_an_empty_array_until_a_tripwire_is_enabled_or_evaluated(api: APIClient) -> None:
    assert get(api, "state") == []
    post(api, "kpi", {**EVENT, "success": True}, 201)
    assert get(api, "state") == []
    post(api, "policies/upsert", {**EVENT, "enabled": True})
    (row,) = get(api, "state")
    assert set(row) == STATE
    assert (row["domain"], row["metric"], row["triggered"], row["baseline"]) == ("WHOLESALE", "contract_rate", False, 1)


def test_an_evaluation_by_form_answers_with_the_state(api: APIClient) -> None:
    post(api, "kpi", {**EVENT, "success": True}, 201)
    told = form(api, "evaluate", "domain=WHOLESALE&metric=contract_rate&actor=test")
    assert (told["ok"], set(told["state"])) == (True, STATE)
    assert (told["state"]["baseline"], told["state"]["current"], told["state"]["drop_fraction"]) == (1, 1, 0)


def test_an_evaluation_without_a_policy_is_a_refusal(api: APIClient) -> None:
    policies = RegressionPolicy.objects.count()
    told = post(api, "evaluate", {"domain": "nowhere", "metric": "rate", "actor": "test"})
    assert told == {
        "ok": False, "reason": "policy_missing", "state": None,
        "message": "There is no regression policy for NOWHERE/rate: an operator must create one.",
    }  # fmt: skip
    assert RegressionPolicy.objects.count() == policies


def test_the_state_of_a_triggered_one_shows_its_figures(api: APIClient) -> None:
    tripped()
    (row,) = get(api, "state")
    assert (row["triggered"], row["baseline"], row["current"], row["drop_fraction"]) == (True, 1, 0, 1)
    assert (row["baseline_count"], row["current_count"]) == (8, 4)
    assert row["last_triggered_at"]
    assert row["note"].startswith("Triggered")


def test_re_arming_answers_with_the_state(api: APIClient) -> None:
    tripped()
    state = post(api, "rearm", {**PAIR, "actor": "jo", "reason": "mended"})
    assert set(state) == STATE
    assert (state["triggered"], state["current_count"], state["drop_fraction"]) == (False, 0, 0)


def test_re_arming_needs_a_reason_and_a_tripwire(api: APIClient) -> None:
    tripped()
    assert set(post(api, "rearm", {**PAIR, "actor": "jo"}, 400)["errors"]) == {"reason"}
    post(api, "rearm", {"domain": "NOWHERE", "metric": "rate", "reason": "x"}, 404)
    assert RegressionState.objects.get().triggered


def test_re_arming_waits_for_a_second_person(api: APIClient, settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    tripped()
    told = post(api, "rearm", {**PAIR, "actor": "jo", "reason": "mended"}, 202)
    assert told["change"]["action"] == "regression.rearm"
    assert RegressionState.objects.get().triggered


# Incidents


def test_an_incident_is_acknowledged_then_resolved(api: APIClient) -> None:
    tripped()
    (row,) = get(api, "incidents")["results"]
    assert (row["status"], row["domain"], row["max_drop_fraction"]) == ("OPEN", DOMAIN, 0.2)
    address = f"incidents/{row['id']}"
    assert post(api, f"{address}/acknowledge", {"actor": "jo"})["acknowledged_by"] == "jo"
    assert post(api, f"{address}/acknowledge", {"actor": "ada"}, 409)["code"] == "not_open"
    done = post(api, f"{address}/resolve", {"actor": "ada", "reason": "bad data"})
    assert (done["status"], done["resolved_by"], done["resolution"]) == ("RESOLVED", "ada", "bad data")
    assert post(api, f"{address}/resolve", {"actor": "ada"}, 409)["code"] == "already_resolved"
    assert get(api, address) == done


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
        assert [row["id"] for row in get(api, "incidents", **query)["results"]] == [row.pk for row in found]


# Who may call, and what it costs


def _client(role: str | None) -> APIClient:
    client = APIClient(SERVER_NAME="localhost")
    if role is not None:
        user = User.objects.create_user(role)
        user.groups.add(Group.objects.get(name=role))
        client.force_authenticate(user)
    return client


@pytest.mark.sqlite  # the table of rights is the same on every database
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
            get(api, path)
        counts.append(len(seen))
    assert counts[0] == counts[1]
