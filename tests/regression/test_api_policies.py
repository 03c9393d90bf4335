from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from governance.models import ChangeRequest
from tests.regression.asking import EVENT, form, get, post

pytestmark = pytest.mark.django_db


def test_policies_are_a_bare_array_of_the_seeds(api: APIClient) -> None:
    rows = get(api, "policies")
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


def test_an_upsert_changes_the_fields_that_it_names_and_no_others(api: APIClient) -> None:
    body = {"domain": " wholesale ", "metric": "Contract_Rate", "enabled": True, "changed_by": "test_deployment"}
    row = post(api, "policies/upsert", body)
    assert (row["domain"], row["metric"], row["enabled"], row["changed_by"]) == (
        "WHOLESALE", "contract_rate", True, "test_deployment",
    )  # fmt: skip
    assert (row["window_events"], row["baseline_events"], row["max_drop_fraction"]) == (50, 200, 0.2)


def test_an_upsert_by_form_reads_the_same(api: APIClient) -> None:
    row = form(api, "policies/upsert", "domain=NEW&metric=rate&max_drop_fraction=0.35&window_events=60&actor=jo")
    assert (row["max_drop_fraction"], row["window_events"], row["enabled"]) == (0.35, 60, False)
    row = form(api, "policies/upsert", "domain=NEW&metric=rate&enabled=true")
    assert (row["max_drop_fraction"], row["window_events"], row["enabled"]) == (0.35, 60, True)


@pytest.mark.sqlite  # what is malformed never reaches the database
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
    before = get(api, "policies")
    problem = post(api, "policies/upsert", {**EVENT, field: value}, 400)
    assert set(problem["errors"]) == {field}
    assert problem["errors"][field][0]
    assert get(api, "policies") == before


@pytest.mark.parametrize(("drop", "shown"), [("0.000001", 0.000001), (1, 1)])
def test_a_drop_at_its_bounds(api: APIClient, drop: Any, shown: float) -> None:
    assert post(api, "policies/upsert", {**EVENT, "max_drop_fraction": drop})["max_drop_fraction"] == shown


def test_a_loosening_upsert_waits_and_says_what_was_applied(api: APIClient, settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    body = {**EVENT, "enabled": True, "max_drop_fraction": 0.5, "reason": "too noisy"}
    told = post(api, "policies/upsert", body, 202)
    assert told["applied"]["enabled"]
    assert told["applied"]["max_drop_fraction"] == 0.2
    assert told["change"]["patch"] == {"max_drop_fraction": "0.5"}
    assert ChangeRequest.objects.count() == 1
