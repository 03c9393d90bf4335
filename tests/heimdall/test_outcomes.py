"""Outcomes of what was authorized: told once, and an event of the engine's metric in the same transaction."""

from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.db import DatabaseError, transaction
from rest_framework.test import APIClient

from governance import clock, holds
from governance.errors import Conflict, Invalid, NotFound
from heimdall import services
from heimdall.models import HeimdallEvent, HeimdallRecommendation
from regression.models import KpiEvent, RegressionIncident
from tests.access.factories import caller, stranger
from tests.heimdall.factories import PolicyFactory, RecommendationFactory
from tests.regression import factories as kpis

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]
DOMAIN = "PRICING"
BASE = "/api/governance/heimdall/recommendations/"


def _authorized(**given: Any) -> HeimdallRecommendation:
    made = {"domain": DOMAIN, "authorized_at": clock.now(), "authorized_by": "engine", **given}
    return RecommendationFactory(**made)


def _tell(wanted: HeimdallRecommendation, success: bool = True, actor: str = "engine") -> Any:
    return services.record_outcome(recommendation_id=wanted.pk, success=success, actor=actor)


@pytest.fixture
def wanted() -> HeimdallRecommendation:
    """Return an authorized recommendation of a domain that OFFERS acts for."""
    PolicyFactory(domain=DOMAIN, engine=kpis.DOMAIN, outcome_metric=kpis.METRIC)
    return _authorized()


@pytest.mark.parametrize("success", [True, False])
def test_an_outcome_is_kept_recorded_and_an_event_of_the_engines_metric(
    wanted: HeimdallRecommendation, success: bool
) -> None:
    answer = _tell(wanted, success)
    assert (answer.ok, answer.reason) == (True, "recorded")
    wanted.refresh_from_db()
    assert (wanted.outcome, wanted.outcome_by) == (success, "engine")
    event = HeimdallEvent.objects.get()
    assert (event.kind, event.success, event.recommendation, event.confidence) == ("OUTCOME", success, wanted, 0.95)
    kpi = KpiEvent.objects.get()
    assert (kpi.domain, kpi.metric, kpi.success, kpi.actor) == (kpis.DOMAIN, kpis.METRIC, success, "engine")
    assert kpi.correlation_id == f"recommendation-{wanted.pk}"


def test_the_same_again_changes_nothing_and_answers_the_same(wanted: HeimdallRecommendation) -> None:
    first = _tell(wanted)
    again = _tell(wanted, actor="another")
    assert (again.ok, again.reason, again.message) == (first.ok, first.reason, first.message)
    assert again.recommendation.outcome_by == "engine"
    assert (KpiEvent.objects.count(), HeimdallEvent.objects.count()) == (1, 1)


def test_another_outcome_contradicts_what_is_known(wanted: HeimdallRecommendation) -> None:
    _tell(wanted)
    with pytest.raises(Conflict, match="was a success, as engine told at") as raised:
        _tell(wanted, success=False)
    assert raised.value.code == "outcome_differs"
    assert KpiEvent.objects.get().success is True


def test_what_was_not_authorized_has_no_outcome_and_the_refusal_is_recorded() -> None:
    PolicyFactory(domain=DOMAIN)
    answer = _tell(RecommendationFactory(domain=DOMAIN))
    assert (answer.ok, answer.reason, answer.recommendation.outcome) == (False, "not_authorized", None)
    assert "was never authorized" in answer.message
    event = HeimdallEvent.objects.get()
    assert (event.kind, event.reason) == ("DENY", "not_authorized")
    assert not KpiEvent.objects.exists()


def test_no_hold_refuses_what_has_happened(wanted: HeimdallRecommendation) -> None:
    holds.place(scope="*", source="test", code="tripped", reason="x", rank=40)
    assert _tell(wanted).ok


def test_a_domain_without_a_policy_reports_to_the_engine_that_it_had() -> None:
    _tell(_authorized(engine="OLD"))
    kpi = KpiEvent.objects.get()
    assert (kpi.domain, kpi.metric) == ("OLD", "recommendation_success")


def test_an_unknown_recommendation_is_not_found_and_an_odd_outcome_invalid(wanted: HeimdallRecommendation) -> None:
    with pytest.raises(NotFound, match="no recommendation 999"):
        services.record_outcome(recommendation_id=999, success=True, actor="engine")
    with pytest.raises(Invalid, match="success"):
        services.record_outcome(recommendation_id=wanted.pk, success="yes", actor="x")  # type: ignore[arg-type]


def test_outcomes_trip_a_tripwire_as_any_event_does(wanted: HeimdallRecommendation) -> None:
    kpis.PolicyFactory()
    for success in [True] * 8 + [False] * 4:
        _tell(_authorized(), success)
    incident = RegressionIncident.objects.get()
    assert (incident.domain, incident.metric) == (kpis.DOMAIN, kpis.METRIC)
    answer = services.authorize(recommendation_id=RecommendationFactory(domain=DOMAIN).pk, actor="engine")
    assert not answer.ok
    assert [hold.code for hold in holds.standing(kpis.DOMAIN)] == ["policy_disabled", "tripwire_triggered"]


def test_an_event_that_cannot_be_recorded_leaves_no_outcome(
    wanted: HeimdallRecommendation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_asked: Any, **_more: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(KpiEvent, "save", broken)
    with pytest.raises(RuntimeError, match="no"):
        _tell(wanted)
    wanted.refresh_from_db()
    assert wanted.outcome is None
    assert not HeimdallEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_outcome_commits_by_itself() -> None:
    wanted = _authorized()
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        _tell(wanted)


@pytest.mark.parametrize("change", [{"outcome": False}, {"confidence": 0.5}, {"authorized_by": "other"}])
def test_the_database_keeps_what_came_of_it(wanted: HeimdallRecommendation, change: dict[str, Any]) -> None:
    _tell(wanted)
    with pytest.raises(DatabaseError), transaction.atomic():
        HeimdallRecommendation.objects.filter(pk=wanted.pk).update(**change)


class TestOverHttp:
    def post(self, api: APIClient, wanted: HeimdallRecommendation, **body: Any) -> Any:
        return api.post(f"{BASE}{wanted.pk}/outcome", {"success": True, "actor": "engine", **body})

    def test_it_is_told_once_and_again_is_the_same(self, api: APIClient, wanted: HeimdallRecommendation) -> None:
        first, again = self.post(api, wanted), self.post(api, wanted)
        assert (first.status_code, first.json()) == (200, again.json())
        told = first.json()
        assert (told["ok"], told["reason"], told["recommendation"]["outcome"]) == (True, "recorded", True)
        assert api.get(f"{BASE}{wanted.pk}").json()["outcome_by"] == "engine"

    def test_another_is_a_409(self, api: APIClient, wanted: HeimdallRecommendation) -> None:
        self.post(api, wanted)
        answer = self.post(api, wanted, success=False)
        assert (answer.status_code, answer.json()["code"]) == (409, "outcome_differs")

    def test_what_was_not_authorized_is_a_refusal(self, api: APIClient, wanted: HeimdallRecommendation) -> None:
        told = self.post(api, RecommendationFactory(domain=DOMAIN)).json()
        assert (told["ok"], told["reason"], told["recommendation"]["outcome"]) == (False, "not_authorized", None)

    @pytest.mark.parametrize("success", [None, 1, 0, "maybe", "", [], "null"])
    def test_bad_input_is_a_400(self, api: APIClient, wanted: HeimdallRecommendation, success: Any) -> None:
        answer = self.post(api, wanted, success=success)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["success"])
        assert not KpiEvent.objects.exists()

    def test_a_missing_success_is_not_a_failure(self, api: APIClient, wanted: HeimdallRecommendation) -> None:
        answer = api.post(f"{BASE}{wanted.pk}/outcome", {"actor": "engine"})
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["success"])

    def test_one_that_is_not_there_is_a_404(self, api: APIClient) -> None:
        assert api.post(f"{BASE}999/outcome", {"success": True}).status_code == 404

    def test_a_form_will_do(self, api: APIClient, wanted: HeimdallRecommendation) -> None:
        kind = "application/x-www-form-urlencoded"
        answer = api.generic("POST", f"{BASE}{wanted.pk}/outcome", "success=false", content_type=kind)
        assert answer.json()["recommendation"]["outcome"] is False

    def test_the_list_is_narrowed_by_it(self, api: APIClient, wanted: HeimdallRecommendation) -> None:
        other = _authorized()
        self.post(api, wanted)
        for query, found in (
            ({"outcome_known": "true"}, [wanted.pk]),
            ({"outcome_known": "false"}, [other.pk]),
            ({"outcome": "true"}, [wanted.pk]),
            ({"outcome": "false"}, []),
        ):
            assert [row["id"] for row in api.get(BASE.rstrip("/"), query).json()["results"]] == found

    def test_it_is_the_engines_alone(self, settings: LazySettings, wanted: HeimdallRecommendation) -> None:
        settings.API_AUTH = "token"
        assert self.post(stranger(), wanted).status_code == 401
        assert self.post(caller("operator", name="o"), wanted).status_code == 403
        assert self.post(caller("engine", "OTHER", name="e"), wanted).status_code == 403
        told = self.post(caller("engine", kpis.DOMAIN, name="f"), wanted).json()
        assert (told["ok"], told["recommendation"]["outcome_by"]) == (True, "f")

    @pytest.mark.parametrize("metric", ["", " ", "A B", "x" * 65, None, "é"])
    def test_an_odd_metric_of_a_policy_is_a_400(self, api: APIClient, metric: Any) -> None:
        body = {"domain": DOMAIN, "outcome_metric": metric}
        answer = api.post("/api/governance/heimdall/policies/upsert", body)
        assert (answer.status_code, list(answer.json()["errors"])) == (400, ["outcome_metric"])

    def test_the_policys_metric_is_the_one_that_counts(self, api: APIClient, wanted: HeimdallRecommendation) -> None:
        body = {"domain": DOMAIN, "outcome_metric": " Contract_Rate ", "reason": "x"}
        told = api.post("/api/governance/heimdall/policies/upsert", body).json()
        assert told["outcome_metric"] == "contract_rate"
        self.post(api, wanted)
        assert KpiEvent.objects.get().metric == "contract_rate"
