from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import transaction

from governance import clock, holds
from governance.errors import NotFound
from heimdall import services
from heimdall.models import HeimdallEvent, HeimdallRecommendation
from tests.heimdall.asking import DOMAIN, change, recommend
from tests.heimdall.factories import PolicyFactory, RecommendationFactory, ScorecardFactory, earned

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]


def _authorize(wanted: HeimdallRecommendation, actor: str = "engine") -> Any:
    return services.authorize(recommendation_id=wanted.pk, actor=actor)


def test_authorizes_once() -> None:
    wanted = earned(DOMAIN)
    first = _authorize(wanted)
    assert (first.ok, first.reason) == (True, "gate_pass")
    assert first.recommendation.authorized_by == "engine"
    second = _authorize(wanted, "another")
    assert (second.ok, second.reason) == (False, "already_used")
    assert "by engine" in second.message
    wanted.refresh_from_db()
    assert wanted.authorized_by == "engine"
    kinds = list(HeimdallEvent.objects.order_by("pk").values_list("kind", "reason", "actor"))
    assert kinds == [("AUTHORIZE", "gate_pass", "engine"), ("DENY", "already_used", "another")]


def test_authorizing_records_what_it_saw() -> None:
    _authorize(earned(DOMAIN, engine="OFFERS"))
    figures = HeimdallEvent.objects.get().figures
    assert figures["policy"]["engine"] == "OFFERS"
    assert figures["scorecard"] == {"days": 1, "trials": 10, "successes": 8}
    assert figures["holds"] == []


def test_refuses_after_production_use_was_switched_off() -> None:
    wanted = earned(DOMAIN)
    change(prod_use_enabled=False)
    answer = _authorize(wanted)
    assert (answer.ok, answer.reason) == (False, "prod_use_disabled")
    wanted.refresh_from_db()
    assert wanted.authorized_at is None


def test_refuses_after_the_evidence_sank() -> None:
    wanted = earned(DOMAIN)
    services.trial(domain=DOMAIN, confidence=0.9, success=False, actor="sandbox")
    answer = _authorize(wanted)
    assert (answer.ok, answer.reason) == (False, "sandbox_success_rate_below_threshold")
    assert "has 0.727272 (8 of 11 trials)" in answer.message


def test_refuses_after_the_day_has_turned_without_new_trials() -> None:
    wanted = earned(DOMAIN)
    with clock.at(clock.now() + dt.timedelta(days=1)):
        assert _authorize(wanted).reason == "insufficient_sandbox_trials"


def test_refuses_after_the_confidence_asked_for_was_raised() -> None:
    wanted = earned(DOMAIN)
    change(min_confidence_prod=Decimal("0.950001"))
    assert _authorize(wanted).reason == "confidence_below_threshold"
    change(min_confidence_prod=Decimal("0.95"))
    assert _authorize(wanted).ok


def test_what_was_not_eligible_may_be_by_the_time_it_is_used() -> None:
    PolicyFactory(domain=DOMAIN)
    wanted = recommend().recommendation
    assert wanted.gate_reason == "insufficient_sandbox_trials"
    ScorecardFactory(domain=DOMAIN)
    assert _authorize(wanted).ok


def _hold(scope: str, **more: Any) -> None:
    holds.place(scope=scope, source="test", code="tripped", reason="WHOLESALE tripped", rank=40, **more)


@pytest.mark.parametrize("scope", ["OFFERS", "*"])
def test_refuses_while_the_engine_or_everything_is_held(scope: str) -> None:
    wanted = earned(DOMAIN, engine="OFFERS")
    _hold(scope)
    answer = _authorize(wanted)
    assert (answer.ok, answer.reason, answer.message) == (False, "tripped", "WHOLESALE tripped")
    assert HeimdallEvent.objects.get().figures["holds"] == [f"{scope}: tripped"]
    holds.lift(scope=scope, source="test", code="tripped")
    assert _authorize(wanted).ok


def test_a_hold_on_another_engine_refuses_nothing() -> None:
    wanted = earned(DOMAIN, engine="OFFERS")
    _hold(DOMAIN)
    assert _authorize(wanted).ok


def test_the_engine_that_the_policy_names_now_is_the_one_that_counts() -> None:
    wanted = earned(DOMAIN, engine="OFFERS")
    _hold("MAIL")
    change(engine="MAIL")
    assert _authorize(wanted).reason == "tripped"


def test_holds_of_the_switches_count_where_enforcement_is_on(settings: LazySettings) -> None:
    wanted = earned(DOMAIN)
    _hold("*", enforced_only=True)
    settings.GOVERNANCE_ENFORCED = True
    assert _authorize(wanted).reason == "tripped"
    settings.GOVERNANCE_ENFORCED = False
    assert _authorize(wanted).ok


def test_used_is_named_before_a_hold_and_a_hold_before_the_gate() -> None:
    wanted = earned(DOMAIN)
    change(prod_use_enabled=False)
    _hold(DOMAIN)
    assert _authorize(wanted).reason == "tripped"
    HeimdallRecommendation.objects.update(authorized_at=clock.now(), authorized_by="engine")
    assert _authorize(wanted).reason == "already_used"


def test_refuses_where_there_is_no_policy() -> None:
    wanted = RecommendationFactory(domain="NOWHERE", engine="", prod_eligible=False, gate_reason="policy_missing")
    answer = _authorize(wanted)
    assert (answer.ok, answer.reason) == (False, "policy_missing")
    assert HeimdallEvent.objects.get().figures["policy"] is None


def test_an_unknown_recommendation_is_not_found() -> None:
    with pytest.raises(NotFound, match="no recommendation 999"):
        services.authorize(recommendation_id=999, actor="engine")


@pytest.mark.django_db(transaction=True)
def test_a_decision_commits_by_itself() -> None:
    wanted = earned(DOMAIN)
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        _authorize(wanted)
