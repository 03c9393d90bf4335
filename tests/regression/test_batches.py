"""A batch of events: the same rows, states and trips as one by one."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

import pytest
from rest_framework.test import APIClient

from golive.models import GoLiveState
from governance import clock
from governance.errors import Invalid
from governance.models import AuditEvent
from regression import retention, services
from regression.batches import Batch
from regression.models import KpiBatch, KpiEvent, RegressionIncident, RegressionPolicy, RegressionState
from regression.recording import Observation
from tests.regression.factories import DOMAIN, METRIC, PAIR, PolicyFactory, observed
from tests.regression.programs import leave_the_same
from tests.riskguard.racing import errors, race

pytestmark = pytest.mark.django_db
BATCH = "/api/governance/regression/kpi/batch"


def in_one(observations: Any) -> None:
    services.record_kpis(observations=observations, actor="bot")


def one_by_one(observations: Any) -> None:
    for one in observations:
        services.record_kpi(domain=one.domain, metric=one.metric, success=one.success, value=one.value, actor="bot")


@pytest.mark.sqlite  # both databases record one event alike (test_recording.py)
@pytest.mark.no_cover
def test_a_batch_comes_to_the_same_as_its_events_one_by_one() -> None:
    leave_the_same(in_one, one_by_one)


def test_a_trip_in_the_middle_is_at_its_event_and_the_rest_is_as_after_a_trip() -> None:
    PolicyFactory()
    batch = services.record_kpis(observations=observed("SSSSSSSSSSFFSSSS"), actor="bot")
    incident = RegressionIncident.objects.get()
    assert (incident.first_event_id, incident.last_event_id) == (batch.ids[8], batch.ids[11])
    (state,) = batch.states
    assert (state.triggered, state.baseline_count, state.current_count) == (True, 8, 4)
    assert AuditEvent.objects.filter(action="risk.policy.set", actor="regression-tripwire").count() == 1


def test_tripwires_among_one_another_each_see_their_own_events_in_order() -> None:
    PolicyFactory()
    PolicyFactory(metric="second", action="KILL_SWITCH")
    PolicyFactory(metric="third", enabled=False)
    first, second = observed("SSSSSSSSFFFF"), observed("FSSSSSSSSSSS", metric="second")
    third, unwatched = observed("F" * 12, metric="third"), observed("F" * 12, domain="NOBODYS")
    mixed = [one for four in zip(first, second, third, unwatched, strict=True) for one in four]
    batch = services.record_kpis(observations=mixed, actor="bot")
    assert sorted(batch.ids) == sorted(KpiEvent.objects.values_list("pk", flat=True))
    rows = KpiEvent.objects.in_bulk(batch.ids)
    assert [(rows[pk].domain, rows[pk].metric, rows[pk].success) for pk in batch.ids] == [
        (one.domain, one.metric, one.success) for one in mixed
    ]
    assert {(state.metric, state.triggered) for state in batch.states} == {(METRIC, True), ("second", False)}
    for which in range(4):
        assert batch.ids[which::4] == sorted(batch.ids[which::4])
    assert RegressionState.objects.count() == 2


def test_what_pulls_the_kill_switch_comes_before_what_locks_an_engine() -> None:
    """The one written order of locks: go-live, then engines."""
    PolicyFactory(domain="A")
    PolicyFactory(domain="B", action="KILL_SWITCH")
    services.record_kpis(
        observations=[*observed("SSSSSSSSFFFF", domain="A"), *observed("SSSSSSSSFFFF", domain="B")], actor="bot"
    )
    pulls = AuditEvent.objects.filter(actor="regression-tripwire").order_by("pk").values_list("action", flat=True)
    assert list(pulls) == ["kill_switch.engage", "risk.policy.set"]
    assert GoLiveState.objects.get().kill_switch_engaged


@pytest.mark.parametrize("number", [0, 10_001])
def test_a_batch_of_none_or_too_many_is_malformed(number: int) -> None:
    with pytest.raises(Invalid) as said:
        services.record_kpis(observations=observed("S") * number, actor="bot")
    assert list(said.value.errors) == ["items"]


@pytest.mark.sqlite  # its statement takes the fewer parameters of the two
def test_a_batch_holds_ten_thousand_and_reads_no_window_for_each() -> None:
    PolicyFactory(window_events=50, baseline_events=200, min_events_to_enforce=50)
    batch = services.record_kpis(observations=observed("SSSSF") * 2_000, actor="bot")
    assert len(batch.ids) == KpiEvent.objects.count() == 10_000
    assert (batch.states[0].baseline, batch.states[0].current) == (0.8, 0.8)


def test_one_malformed_event_names_its_place_and_field_and_nothing_is_recorded() -> None:
    bad = [
        Observation(DOMAIN, METRIC), Observation("A B", METRIC, True), Observation(DOMAIN, METRIC, value=float("nan")),
        Observation(DOMAIN, METRIC, True, 1.0),
    ]  # fmt: skip
    with pytest.raises(Invalid) as said:
        services.record_kpis(observations=[*observed("S"), *bad], actor="bot")
    assert list(said.value.errors) == [
        "items.1.success", "items.1.value", "items.2.domain", "items.3.value", "items.4.success", "items.4.value",
    ]  # fmt: skip
    assert not KpiEvent.objects.exists()


def _item(**more: Any) -> dict[str, Any]:
    return {"domain": " offers ", "metric": "Signed", "success": True, **more}


def test_over_http_a_batch_answers_with_its_ids_and_what_is_triggered(api: APIClient) -> None:
    PolicyFactory()
    items = [_item(correlation_id="first"), *[_item()] * 7, *[_item(success=False)] * 4]
    answer = api.post(BATCH, {"actor": "bot", "items": items})
    assert answer.status_code == 201, answer.content
    told = answer.json()
    assert told == {"ok": True, "ids": told["ids"], "triggered": ["OFFERS/signed"]}
    rows = KpiEvent.objects.order_by("pk")
    assert told["ids"] == [row.pk for row in rows]
    assert (rows[0].correlation_id, rows[0].actor, rows[0].domain) == ("first", "bot", DOMAIN)
    assert not RegressionPolicy.objects.exclude(**PAIR).filter(enabled=True).exists()


@pytest.mark.sqlite  # what is malformed never reaches the database
@pytest.mark.parametrize(
    ("bad", "fields"),
    [
        (_item(value=1), ["items.1.success", "items.1.value"]),
        ({"domain": DOMAIN, "metric": METRIC}, ["items.1.success", "items.1.value"]),
        (_item(domain="A B"), ["items.1.domain"]),
        (_item(success=1), ["items.1.success"]),
        (_item(success=None, value=1e16), ["items.1.value"]),
        ({"metric": METRIC, "success": True}, ["items.1.domain"]),
        ("S", ["items.1.non_field_errors"]),
    ],
)
def test_a_malformed_item_is_a_400_that_names_its_place_and_field(bad: Any, fields: list[str], api: APIClient) -> None:
    answer = api.post(BATCH, {"actor": "bot", "items": [_item(), bad, _item()]})
    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == fields
    assert not KpiEvent.objects.exists()


class TestAKey:
    """What makes sending a batch again safe."""

    def test_the_same_key_and_events_are_recorded_once_and_answered_alike(self, api: APIClient) -> None:
        PolicyFactory()
        body = {"items": [{**PAIR, "success": outcome == "S"} for outcome in "SSSSSSSSFFFF"], "actor": "bot"}
        told = [api.post(BATCH, body, format="json", headers={"Idempotency-Key": "k"}) for _ in range(3)]
        assert [(answer.status_code, answer.json()) for answer in told] == [(201, told[0].json())] * 3
        assert told[0].json()["triggered"] == ["OFFERS/signed"]
        assert list(KpiEvent.objects.order_by("pk").values_list("pk", flat=True)) == told[0].json()["ids"]
        assert RegressionIncident.objects.count() == 1

    def test_without_one_they_are_recorded_as_often_as_they_are_sent(self) -> None:
        for _ in range(2):
            services.record_kpis(observations=observed("S"), actor="bot")
        assert KpiEvent.objects.count() == 2

    def test_it_belongs_to_its_caller(self) -> None:
        for actor in ("bot", "another"):
            services.record_kpis(observations=observed("S"), actor=actor, idempotency_key="k")
        assert KpiEvent.objects.count() == 2

    @pytest.mark.parametrize("other", ["F", "SS"])
    def test_with_other_events_is_a_conflict_and_records_nothing(self, api: APIClient, other: str) -> None:
        services.record_kpis(observations=observed("S"), actor="bot", idempotency_key="k")
        items = [{**PAIR, "success": outcome == "S"} for outcome in other]
        answer = api.post(BATCH, {"items": items, "actor": "bot", "idempotency_key": "k"}, format="json")
        assert (answer.status_code, answer.json()["code"]) == (409, "idempotency_key_reused")
        assert KpiEvent.objects.count() == 1

    def test_a_header_that_says_another_is_malformed(self, api: APIClient) -> None:
        body = {"items": [{**PAIR, "success": True}], "actor": "bot", "idempotency_key": "k"}
        answer = api.post(BATCH, body, format="json", headers={"Idempotency-Key": "l"})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["idempotency_key"])
        assert not KpiEvent.objects.exists()

    @pytest.mark.postgresql
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("watched", [False, True])
    def test_eight_callers_at_once_record_one_batch(self, watched: bool) -> None:
        if watched:
            PolicyFactory()
        send = partial(services.record_kpis, observations=observed("SSSS"), actor="bot", idempotency_key="k")
        answers = race(*[send] * 8)
        assert errors(answers) == []
        assert len({tuple(answer.ids) for answer in answers if isinstance(answer, Batch)}) == 1
        assert KpiEvent.objects.count() == 4

    def test_is_forgotten_with_the_days_of_retention(self) -> None:
        services.record_kpis(observations=observed("S"), actor="bot", idempotency_key="k")
        assert list(retention.remove_keys(actor="cron")) == []
        with clock.at(clock.now() + dt.timedelta(days=91)):
            assert list(retention.remove_keys(actor="cron", dry_run=True)) == [{"keys": 1}]
            assert list(retention.remove_keys(actor="cron")) == [{"keys": 1}]
        assert not KpiBatch.objects.exists()
