"""Trips, authorizations and outcomes that meet. Each race holds with the locks, and fails with them taken out."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from typing import Any

import pytest

from governance import clock, holds
from governance.errors import Conflict
from governance.models import AuditEvent
from heimdall import services
from heimdall.models import HeimdallEvent, HeimdallEvidence, HeimdallPolicy, HeimdallRecommendation
from regression.models import KpiEvent, RegressionGap, RegressionIncident, RegressionPolicy, RegressionState
from riskguard.services import set_policy
from tests.append_only import lifted, raw
from tests.heimdall.factories import EvidenceFactory, RecommendationFactory
from tests.heimdall.factories import PolicyFactory as CharterFactory
from tests.regression.factories import DOMAIN, METRIC, PolicyFactory, record
from tests.riskguard.factories import go_live
from tests.riskguard.racing import Caller, errors, holding_writes, no_locks, race, until_waiting

ROUNDS, CALLERS = 2, 8

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]
with_and_without_locks = pytest.mark.parametrize("locks", [True, False], ids=["locks", "no_locks"])


@pytest.fixture(autouse=True)
def _live(transactional_db: None) -> None:
    go_live()


def _clear() -> None:
    with lifted():
        for model in (KpiEvent, RegressionIncident, RegressionState, RegressionGap, AuditEvent, HeimdallEvent):
            raw(model).all().delete()
    HeimdallRecommendation.objects.all().delete()
    HeimdallEvidence.objects.all().delete()
    HeimdallPolicy.objects.filter(engine=DOMAIN).delete()
    RegressionPolicy.objects.filter(domain=DOMAIN).delete()
    holds.lift(scope=DOMAIN, source="regression", code="tripwire_triggered", key=f"{DOMAIN}/{METRIC}")
    set_policy(engine=DOMAIN, patch={"enabled": True}, actor="test", reason="test")


def _about_to_trip(callers: int) -> list[Callable[[], Any]]:
    """Return the event that trips, and authorizations of a domain that its engine's trip takes the admission of."""
    CharterFactory(domain="PRICING", engine=DOMAIN, evidence_rule="ANYTIME")
    EvidenceFactory(domain="PRICING", trials=100, successes=100)
    wanted = [RecommendationFactory(domain="PRICING") for _caller in range(callers)]
    PolicyFactory()
    record("SSSSSSSSFFF")
    return [
        partial(record, "F"),
        *(partial(services.authorize, recommendation_id=one.pk, actor="engine") for one in wanted),
    ]


def _granted_too_late() -> list[str]:
    evidence = HeimdallEvidence.objects.get(domain="PRICING")
    wrong = [] if (evidence.start, evidence.trials) == (2, 0) else [f"start {evidence.start}"]
    late = HeimdallRecommendation.objects.filter(authorized_at__gte=evidence.started_at)
    return wrong + [f"{one} was granted after the trip" for one in late]


def test_what_is_granted_beside_a_trip_was_granted_before_the_evidence_fell() -> None:
    for _ in range(ROUNDS):
        _clear()
        assert errors(race(*_about_to_trip(CALLERS))) == []
        assert _granted_too_late() == []


@with_and_without_locks
def test_an_authorization_waits_for_the_trip_that_is_under_way(locks: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    trip, authorize = _about_to_trip(1)
    with nullcontext() if locks else no_locks(monkeypatch):
        with holding_writes("heimdall_evidence"):
            tripping = Caller(trip)
            until_waiting(tripping)
            authorizing = Caller(authorize)
            until_waiting(tripping, authorizing)
        assert tripping.told()[0].state.triggered
        assert authorizing.told().ok is not locks
    assert bool(_granted_too_late()) is not locks


def _outcomes() -> tuple[HeimdallRecommendation, list[str]]:
    """Return the one recommendation, and what is wrong with what was told of it: it counts once."""
    wanted = HeimdallRecommendation.objects.get(domain="PRICING")
    counted = list(KpiEvent.objects.values_list("success", flat=True))
    wrong = [] if counted == [wanted.outcome] else [f"outcome {wanted.outcome}, counted {counted}"]
    told = HeimdallEvent.objects.filter(kind="OUTCOME").count()
    return wanted, wrong + ([] if told == 1 else [f"told {told} times"])


@pytest.fixture
def authorized() -> HeimdallRecommendation:
    CharterFactory(domain="PRICING", engine=DOMAIN, outcome_metric=METRIC)
    return RecommendationFactory(domain="PRICING", authorized_at=clock.now(), authorized_by="engine")


def test_of_outcomes_at_once_one_counts_and_what_differs_is_a_conflict(authorized: HeimdallRecommendation) -> None:
    tell = partial(services.record_outcome, recommendation_id=authorized.pk, actor="engine")
    answers = race(*(partial(tell, success=number % 2 == 0) for number in range(CALLERS)))
    wanted, wrong = _outcomes()
    assert wrong == []
    refused = errors(answers)
    assert [type(error) for error in refused] == [Conflict] * (CALLERS // 2)
    assert all(answer.recommendation.outcome is wanted.outcome for answer in answers if answer not in refused)


@with_and_without_locks
def test_a_second_outcome_waits_for_the_first(
    locks: bool, authorized: HeimdallRecommendation, monkeypatch: pytest.MonkeyPatch
) -> None:
    with nullcontext() if locks else no_locks(monkeypatch):
        with holding_writes("heimdall_event"):
            callers = []
            for _ in range(2):
                tell = partial(services.record_outcome, recommendation_id=authorized.pk, success=True, actor="engine")
                callers.append(Caller(tell))
                until_waiting(*callers)
        answers = [caller.outcome() for caller in callers]
    assert (_outcomes()[1] == [] and errors(answers) == []) is locks


def test_an_outcome_that_trips_and_authorizations_in_the_written_order_do_not_deadlock() -> None:
    for _ in range(ROUNDS):
        _clear()
        CharterFactory(domain="PRICING", engine=DOMAIN, outcome_metric=METRIC, evidence_rule="ANYTIME")
        EvidenceFactory(domain="PRICING", trials=100, successes=100)
        PolicyFactory()
        record("SSSSSSSSFFF")
        wanted = [RecommendationFactory(domain="PRICING") for _caller in range(CALLERS)]
        done = RecommendationFactory(domain="PRICING", authorized_at=clock.now(), authorized_by="engine")
        tell = partial(services.record_outcome, recommendation_id=done.pk, success=False, actor="engine")
        more = [partial(services.authorize, recommendation_id=one.pk, actor="engine") for one in [done, *wanted]]
        trials = [partial(services.trial, domain="PRICING", confidence=0.9, success=True, actor="ai")] * 3
        assert errors(race(tell, *more, *trials)) == []
        assert RegressionIncident.objects.count() == 1
        assert HeimdallEvidence.objects.get(domain="PRICING").start == 2
