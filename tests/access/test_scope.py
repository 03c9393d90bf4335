"""A token is bound to the engines that it names, for every verb."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from heimdall import services as heimdall
from heimdall.models import HeimdallRecommendation, HeimdallScorecardDay
from regression.models import KpiEvent
from riskguard import services as riskguard
from riskguard.models import RiskReservation
from tests.access.factories import caller

pytestmark = pytest.mark.usefixtures("closed", "live")
BASE = "/api/governance/"
CAPITAL_RECOMMENDATION, CAPITAL_RESERVATION = 1, 2


@pytest.fixture
def capital(live: None) -> dict[str, int]:
    """Return a reservation and a recommendation of CAPITAL's."""
    ruling = riskguard.reserve(engine="CAPITAL", amount=100, actor="x")
    assert ruling.reservation is not None
    judged = heimdall.recommend(domain="CAPITAL_ROUTE", confidence=0.99, recommendation={}, evidence={}, actor="x")
    return {"reservation": ruling.reservation.pk, "recommendation": judged.recommendation.pk}


Verb = Callable[[APIClient, dict[str, int]], Any]
VERBS: dict[str, Verb] = {
    "reserve": lambda api, _ids: api.post(BASE + "risk/check-and-reserve", {"engine": "capital", "amount": 1}),
    "dry run": lambda api, _ids: api.post(
        BASE + "risk/check-and-reserve", {"engine": "CAPITAL", "amount": 1, "dry_run": True}
    ),
    "settle": lambda api, ids: api.post(
        BASE + "risk/settle", {"reservation_id": ids["reservation"], "realized_loss": 5}
    ),
    "release": lambda api, ids: api.post(BASE + "risk/release", {"reservation_id": ids["reservation"]}),
    "trial": lambda api, _ids: api.post(
        BASE + "heimdall/sandbox/trial", {"domain": "CAPITAL_ROUTE", "confidence": 1, "success": True}
    ),
    "recommend": lambda api, _ids: api.post(BASE + "heimdall/recommend", {"domain": "capital_route", "confidence": 1}),
    "authorize": lambda api, ids: api.post(f"{BASE}heimdall/recommendations/{ids['recommendation']}/authorize", {}),
    "outcome": lambda api, ids: api.post(
        f"{BASE}heimdall/recommendations/{ids['recommendation']}/outcome", {"success": True}
    ),
    "kpi": lambda api, _ids: api.post(
        BASE + "regression/kpi", {"domain": "CAPITAL", "metric": "roi_event", "success": False}
    ),
    "evaluate": lambda api, _ids: api.post(BASE + "regression/evaluate", {"domain": "CAPITAL", "metric": "roi_event"}),
}


def rows() -> list[int]:
    counted = (RiskReservation, HeimdallRecommendation, HeimdallScorecardDay, KpiEvent)
    return [model.objects.count() for model in counted]


@pytest.mark.sqlite
@pytest.mark.parametrize("verb", VERBS)
def test_a_token_of_another_engine_is_refused_and_nothing_is_written(verb: str, capital: dict[str, int]) -> None:
    before = rows()
    answer = VERBS[verb](caller("engine", "WHOLESALE", "NOTIFY"), capital)
    assert (answer.status_code, answer.json()["code"]) == (403, "permission_denied")
    assert answer.json()["detail"] == (
        "This token acts for WHOLESALE, NOTIFY, and not for CAPITAL: use a token that names it."
    )
    assert rows() == before
    held = RiskReservation.objects.get(pk=capital["reservation"])
    assert (held.status, HeimdallRecommendation.objects.get().authorized_at) == ("OPEN", None)


@pytest.mark.sqlite
@pytest.mark.parametrize("verb", VERBS)
def test_a_token_that_names_no_engine_acts_for_none(verb: str, capital: dict[str, int]) -> None:
    answer = VERBS[verb](caller("engine"), capital)
    assert (answer.status_code, "acts for no engine" in answer.json()["detail"]) == (403, True)


@pytest.mark.sqlite
@pytest.mark.parametrize("verb", VERBS)
def test_a_token_of_the_engine_is_answered(verb: str, capital: dict[str, int]) -> None:
    assert VERBS[verb](caller("engine", "CAPITAL", "NOTIFY"), capital).status_code in {200, 201}


def test_a_domain_without_a_policy_is_asked_for_by_its_own_name() -> None:
    def recommend(api: APIClient) -> Any:
        return api.post(BASE + "heimdall/recommend", {"domain": "NEW", "confidence": 1})

    assert recommend(caller("engine", "CAPITAL")).status_code == 403
    assert recommend(caller("engine", "NEW", name="new")).json()["gate_reason"] == "policy_missing"


def test_what_does_not_exist_is_not_there_whoever_asks(live: None) -> None:
    api = caller("engine", "CAPITAL")
    assert api.post(BASE + "risk/release", {"reservation_id": 12345}).status_code == 404
    assert api.post(BASE + "heimdall/recommendations/12345/authorize", {}).status_code == 404


def test_the_reference_engine_spends_neither_anothers_room_nor_anothers_recommendation(capital: dict[str, int]) -> None:
    offer = {"title": "x", "amount": 5}
    assert caller("engine", "CAPITAL").post("/api/deals", offer).status_code == 403
    api = caller("engine", "WHOLESALE", name="w")
    answer = api.post("/api/deals", {**offer, "recommendation_id": capital["recommendation"]})
    assert (answer.status_code, "CAPITAL" in answer.json()["detail"]) == (403, True)
    assert api.post("/api/deals", offer).status_code == 201


def test_reading_is_bound_to_no_engine() -> None:
    assert caller("engine").get(BASE + "risk/events").status_code == 200
