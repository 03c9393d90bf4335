from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction

from governance import approvals, changes, clock, holds
from governance.errors import Invalid, NotFound
from governance.models import AuditEvent
from heimdall import policies, seeds, services
from heimdall.models import HeimdallEvent, HeimdallPolicy, HeimdallRecommendation, HeimdallScorecardDay
from tests.approvers import approver
from tests.heimdall.factories import PolicyFactory, RecommendationFactory, ScorecardFactory, earned, today

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]
DOMAIN = "PRICING"


def _recommend(**given: Any) -> Any:
    asked = {"domain": DOMAIN, "confidence": 0.95, "recommendation": {}, "evidence": {}, "actor": "ai", **given}
    return services.recommend(**asked)


def _authorize(wanted: HeimdallRecommendation, actor: str = "engine") -> Any:
    return services.authorize(recommendation_id=wanted.pk, actor=actor)


def _set(**patch: Any) -> Any:
    return services.set_policy(domain=DOMAIN, patch=patch, actor="jo", reason="test")


def test_trials_count_on_the_days_scorecard() -> None:
    PolicyFactory(domain=DOMAIN)
    for success in (True, False, True):
        answer = services.trial(domain=DOMAIN, confidence=0.9, success=success, actor="sandbox")
    assert (answer.ok, answer.reason) == (True, "recorded")
    assert (answer.scorecard.trials, answer.scorecard.successes) == (3, 2)
    assert answer.scorecard.day == today()
    event = HeimdallEvent.objects.latest("pk")
    assert (event.kind, event.success, event.confidence, event.reason) == ("TRIAL", True, 0.9, "recorded")
    assert event.figures == {"scorecard": {"days": 1, "trials": 3, "successes": 2}}


def test_a_trial_counts_on_the_utc_day_of_the_clock() -> None:
    PolicyFactory(domain=DOMAIN)
    for hour, minute in ((23, 59), (0, 0)):
        moment = dt.datetime(2026, 11, 23 if hour else 24, hour, minute, tzinfo=dt.UTC)
        with clock.at(moment):
            services.trial(domain=DOMAIN, confidence=0.9, success=True, actor="sandbox")
    days = HeimdallScorecardDay.objects.order_by("day").values_list("day", "trials")
    assert list(days) == [(dt.date(2026, 11, 23), 1), (dt.date(2026, 11, 24), 1)]


def test_a_trial_of_an_unknown_domain_is_refused_recorded_and_creates_nothing() -> None:
    before = HeimdallPolicy.objects.count()
    answer = services.trial(domain="NOWHERE", confidence=0.9, success=True, actor="sandbox")
    assert (answer.ok, answer.reason, answer.scorecard.trials) == (False, "policy_missing", 0)
    assert "no Heimdall policy for NOWHERE" in answer.message
    assert HeimdallPolicy.objects.count() == before
    assert not HeimdallScorecardDay.objects.exists()
    event = HeimdallEvent.objects.get()
    assert (event.kind, event.domain, event.reason) == ("DENY", "NOWHERE", "policy_missing")


def test_a_recommendation_is_stored_with_what_it_was_judged_by() -> None:
    PolicyFactory(domain=DOMAIN, engine="OFFERS")
    ScorecardFactory(domain=DOMAIN)
    judgement = _recommend(recommendation={"price": 1500}, evidence={"model": "v2.1"}, correlation_id="abc")
    stored = HeimdallRecommendation.objects.get()
    assert (stored.prod_eligible, stored.gate_reason, stored.engine) == (True, "gate_pass", "OFFERS")
    assert (stored.recommendation, stored.evidence, stored.correlation_id) == (
        {"price": 1500},
        {"model": "v2.1"},
        "abc",
    )
    assert (judgement.evidence.trials, judgement.evidence.successes) == (10, 8)
    event = HeimdallEvent.objects.get()
    assert (event.kind, event.recommendation, event.reason) == ("RECOMMEND", stored, "gate_pass")
    assert event.figures["policy"]["min_confidence_prod"] == "0.9"
    assert event.figures["scorecard"] == {"days": 1, "trials": 10, "successes": 8}


def test_a_recommendation_of_an_unknown_domain_is_stored_as_not_eligible() -> None:
    before = HeimdallPolicy.objects.count()
    judgement = _recommend(domain="NOWHERE")
    assert judgement.policy is None
    stored = HeimdallRecommendation.objects.get()
    assert (stored.prod_eligible, stored.gate_reason, stored.engine) == (False, "policy_missing", "")
    assert HeimdallPolicy.objects.count() == before


@pytest.mark.parametrize(("days_ago", "days", "counts"), [(1, 1, False), (1, 2, True), (6, 7, True), (7, 7, False)])
def test_evidence_counts_within_the_window_alone(days_ago: int, days: int, counts: bool) -> None:
    PolicyFactory(domain=DOMAIN, evidence_days=days)
    ScorecardFactory(domain=DOMAIN, day=today() - dt.timedelta(days=days_ago))
    ScorecardFactory(domain="ANOTHER")
    assert _recommend().evidence.trials == (10 if counts else 0)


def test_evidence_adds_up_over_the_days_of_the_window() -> None:
    PolicyFactory(domain=DOMAIN, evidence_days=3)
    for days_ago in range(4):
        ScorecardFactory(domain=DOMAIN, day=today() - dt.timedelta(days=days_ago), trials=7, successes=5)
    evidence = _recommend().evidence
    assert (evidence.days, evidence.trials, evidence.successes) == (3, 21, 15)


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
    _set(prod_use_enabled=False)
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
    _set(min_confidence_prod=Decimal("0.950001"))
    assert _authorize(wanted).reason == "confidence_below_threshold"
    _set(min_confidence_prod=Decimal("0.95"))
    assert _authorize(wanted).ok


def test_what_was_not_eligible_may_be_by_the_time_it_is_used() -> None:
    PolicyFactory(domain=DOMAIN)
    wanted = _recommend().recommendation
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
    _set(engine="MAIL")
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
    _set(prod_use_enabled=False)
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


def test_a_new_policy_asks_for_everything_and_names_the_engine_of_its_domain() -> None:
    policy = _set()
    assert (policy.engine, policy.min_confidence_prod, policy.min_sandbox_success_rate) == (DOMAIN, 1, 1)
    assert (policy.min_sandbox_trials, policy.prod_use_enabled, policy.evidence_days) == (1, False, 1)
    assert AuditEvent.objects.get(action="heimdall.policy.set").before is None


def test_a_change_sets_the_named_fields_alone_and_is_in_the_trail() -> None:
    PolicyFactory(domain=DOMAIN)
    _set(min_sandbox_trials=20)
    row = HeimdallPolicy.objects.get(domain=DOMAIN)
    assert (row.min_sandbox_trials, row.min_confidence_prod, row.prod_use_enabled) == (20, Decimal("0.9"), True)
    assert (row.changed_by, row.reason) == ("jo", "test")
    event = AuditEvent.objects.get(action="heimdall.policy.set")
    assert event.before is not None
    assert event.after == {**event.before, "min_sandbox_trials": 20}
    assert (event.target, event.actor, event.reason) == (DOMAIN, "jo", "test")


def test_a_policy_that_another_created_meanwhile_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = policies.locked_or_new(DOMAIN)
    PolicyFactory(domain=DOMAIN, min_sandbox_trials=75)
    monkeypatch.setattr(policies, "locked_or_new", lambda _domain: fresh)
    answer = _set(min_sandbox_trials=2)
    assert isinstance(answer, changes.Refused)
    assert answer.code == "created_meanwhile"
    assert HeimdallPolicy.objects.get(domain=DOMAIN).min_sandbox_trials == 75


def test_a_policy_out_of_range_is_refused_by_the_table_too() -> None:
    with pytest.raises(IntegrityError):
        _set(min_confidence_prod=Decimal("1.000001"))


@pytest.mark.parametrize(
    "row",
    [
        lambda: PolicyFactory(evidence_days=367),
        lambda: PolicyFactory(min_sandbox_success_rate=Decimal("-0.1")),
        lambda: ScorecardFactory(trials=3, successes=4),
        lambda: RecommendationFactory(confidence=1.1),
        lambda: RecommendationFactory(prod_eligible=True, gate_reason="policy_missing"),
        lambda: RecommendationFactory(authorized_by="jo"),
        lambda: RecommendationFactory(authorized_at=clock.now()),
        lambda: HeimdallEvent.objects.create(
            at=clock.now(), day=today(), kind="TRIAL", domain=DOMAIN, reason="recorded", actor="ai", confidence=0.5
        ),
    ],
)
def test_the_tables_hold_the_invariants(row: Any) -> None:
    with pytest.raises(IntegrityError):
        row()


def _submit(**patch: Any) -> Any:
    return changes.submit(action="heimdall.policy.set", target="pricing", patch=patch, actor="jo", reason="test")


def test_with_four_eyes_what_tightens_is_applied_and_what_loosens_waits(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    PolicyFactory(domain=DOMAIN, prod_use_enabled=False)
    outcome = _submit(min_sandbox_trials=20, prod_use_enabled=True, min_confidence_prod="0.8")
    assert isinstance(outcome, changes.Pending)
    row = HeimdallPolicy.objects.get(domain=DOMAIN)
    assert (row.min_sandbox_trials, row.prod_use_enabled, row.min_confidence_prod) == (20, False, Decimal("0.9"))
    approver("sam")
    assert isinstance(approvals.approve(change_id=outcome.change.pk, actor="sam"), changes.Applied)
    row.refresh_from_db()
    assert (row.prod_use_enabled, row.min_confidence_prod) == (True, Decimal("0.8"))


def test_with_four_eyes_a_new_policy_stands_at_the_safe_defaults(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    assert isinstance(_submit(min_sandbox_trials=75), changes.Applied)
    assert isinstance(_submit(min_confidence_prod="0.92"), changes.Pending)


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"min_confidence_prod": "1.01"}, "min_confidence_prod"),
        ({"min_confidence_prod": "-0.01"}, "min_confidence_prod"),
        ({"min_confidence_prod": True}, "min_confidence_prod"),
        ({"min_sandbox_trials": "1.5"}, "min_sandbox_trials"),
        ({"min_sandbox_trials": -1}, "min_sandbox_trials"),
        ({"evidence_days": 0}, "evidence_days"),
        ({"evidence_days": 367}, "evidence_days"),
        ({"prod_use_enabled": "perhaps"}, "prod_use_enabled"),
        ({"engine": "no spaces"}, "engine"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_the_door_refuses_a_malformed_patch(patch: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as wrong:
        _submit(**patch)
    assert field in wrong.value.errors
    assert not HeimdallPolicy.objects.filter(domain=DOMAIN).exists()


@pytest.mark.parametrize("days", [1, 366])
def test_the_evidence_window_takes_its_bounds(days: int) -> None:
    assert _submit(evidence_days=days).result.evidence_days == days


def test_seeds_are_put_back_where_they_are_missing_and_edited_ones_are_left() -> None:
    HeimdallPolicy.objects.filter(domain="BUYER_MATCH").delete()
    HeimdallPolicy.objects.filter(domain="CAPITAL_ROUTE").update(min_sandbox_trials=500)
    assert seeds.missing() == ["heimdall_policy BUYER_MATCH"]
    assert seeds.restore(actor="seed", reset=False) == ["heimdall_policy BUYER_MATCH"]
    assert HeimdallPolicy.objects.get(domain="CAPITAL_ROUTE").min_sandbox_trials == 500
    assert seeds.missing() == []


def test_a_reset_sets_edited_seeds_back_and_names_them() -> None:
    HeimdallPolicy.objects.filter(domain="CAPITAL_ROUTE").update(min_sandbox_trials=5, prod_use_enabled=True)
    assert seeds.restore(actor="jo", reset=True) == ["heimdall_policy CAPITAL_ROUTE"]
    row = HeimdallPolicy.objects.get(domain="CAPITAL_ROUTE")
    assert (row.min_sandbox_trials, row.prod_use_enabled, row.changed_by) == (100, False, "jo")
