"""The database itself refuses a row that breaks an invariant, whoever writes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Model, UniqueConstraint

from access.models import Token
from examples.deals.models import Deal
from golive.models import GoLiveState
from governance import clock
from governance.happenings import Notice
from governance.models import ChangeRequest, Epoch, Hold, JobRun, ReviewDecision, Seal
from governance.money import MAX_MINOR
from heimdall.models import (
    HeimdallEvent,
    HeimdallEvidence,
    HeimdallPolicy,
    HeimdallRecommendation,
    HeimdallScorecardDay,
)
from notices.models import NoticeDelivery, NoticeRule
from regression.models import (
    KpiBatch,
    KpiEvent,
    RegressionBaseline,
    RegressionGap,
    RegressionIncident,
    RegressionPolicy,
    RegressionState,
)
from riskguard.models import RiskEvent, RiskLedgerDay, RiskPolicy, RiskReservation
from tests.rows import ROWS, our_models

pytestmark = pytest.mark.django_db
Bad = tuple[type[Model], dict[str, Any]]
NOW = clock.now
AUTHORIZED = {"authorized_at": NOW(), "authorized_by": "jo"}

# Of each constraint every way to break it; a unique one is broken by writing the row twice.
BAD: dict[str, list[Bad]] = {
    "hold_once": [(Hold, {"scope": "A"})],
    "hold_names_scope_and_code": [(Hold, {"scope": ""}), (Hold, {"code": ""})],
    "epoch_is_one_row": [(Epoch, {"pk": 2})],
    "change_decided_has_time": [(ChangeRequest, {"status": "REJECTED"}), (ChangeRequest, {"decided_at": NOW()})],
    "change_applied_by_another": [
        (ChangeRequest, {"status": "APPLIED", "decided_at": NOW(), "requested_by": "jo", "decided_by": "jo"})
    ],
    "seal_once": [(Seal, {"hash": "1" * 64})],
    "seal_is_numbered": [(Seal, {"number": 0}), (Seal, {"chain": 0})],
    "job_run_ended_has_time": [(JobRun, {"outcome": "DONE"}), (JobRun, {"ended_at": NOW()})],
    "review_verdict_is_known": [(ReviewDecision, {"verdict": "FINE"})],
    "review_says_who_and_why": [(ReviewDecision, {"note": ""}), (ReviewDecision, {"decided_by": ""})],
    "review_period_in_order": [(ReviewDecision, {"period_end": NOW() - dt.timedelta(days=8)})],
    "notice_once": [(Notice, {"once": "today"})],
    "notice_rule_channel": [(NoticeRule, {"channel": "PIGEON"})],
    "notice_rule_has_address": [(NoticeRule, {"address": ""})],
    "notice_delivery_once": [(NoticeDelivery, {})],
    "notice_delivery_ended_has_time": [
        (NoticeDelivery, {"status": "DEAD"}),
        (NoticeDelivery, {"status": "DELIVERED"}),
        (NoticeDelivery, {"ended_at": NOW()}),
    ],
    "token_has_one_name": [(Token, {"token_key": "same"})],
    "go_live_is_one_row": [(GoLiveState, {"pk": 2})],
    **{
        f"risk_{cap}_in_range": [(RiskPolicy, {cap: -1}), (RiskPolicy, {cap: MAX_MINOR + 1})]
        for cap in (
            "max_daily_loss", "max_daily_exposure", "max_open_risk", "max_amount_per_action", "max_actions_per_day",
            "max_actions_per_minute",
        )
    },
    "risk_policy_retired_is_off": [
        (RiskPolicy, {"retired_at": NOW(), "enabled": True}),
        (RiskPolicy, {"retired_at": NOW(), "enabled": False, "engine": "GLOBAL"}),
    ],
    "risk_policy_falls_back_at_an_end": [(RiskPolicy, {"fallback": {"max_daily_loss": 1}})],
    "go_live_falls_back_at_an_end": [(GoLiveState, {"fallback": {"go_live_enabled": False}})],
    "heimdall_policy_falls_back_at_an_end": [(HeimdallPolicy, {"fallback": {"min_confidence_prod": "1"}})],
    "regression_policy_falls_back_at_an_end": [(RegressionPolicy, {"fallback": {"enabled": True}})],
    "heimdall_policy_retired_is_off": [(HeimdallPolicy, {"retired_at": NOW(), "prod_use_enabled": True})],
    "regression_policy_retired_is_off": [(RegressionPolicy, {"retired_at": NOW(), "enabled": True})],
    "risk_ledger_once_a_day": [(RiskLedgerDay, {"engine": "A"})],
    **{
        f"risk_ledger_{name}_not_negative": [(RiskLedgerDay, {name: -1})]
        for name in ("exposure_used", "open_risk_reserved", "realized_loss", "actions_count")
    },
    "risk_reservation_key_once": [(RiskReservation, {"idempotency_key": "k"})],
    "risk_reservation_amount_in_range": [(RiskReservation, {"amount": amount}) for amount in (-1, 0, MAX_MINOR + 1)],
    "risk_reservation_of_an_engine": [(RiskReservation, {"engine": "GLOBAL"})],
    "risk_reservation_open_or_closed": [
        (RiskReservation, {"status": "RELEASED"}),
        (RiskReservation, {"closed_at": NOW()}),
        (RiskReservation, {"closed_day": NOW().date()}),
    ],
    "risk_reservation_settled_has_loss": [
        (RiskReservation, {"realized_loss": 0}),
        (RiskReservation, {"settled_day": NOW().date()}),
        (RiskReservation, {"status": "SETTLED", "closed_at": NOW(), "closed_day": NOW().date()}),
    ],
    "risk_event_denial_takes_nothing": [
        (RiskEvent, {name: 1}) for name in ("exposure_delta", "open_risk_delta", "loss_delta", "actions_delta")
    ],
    "risk_event_reserve_takes_amount": [
        (RiskEvent, {"kind": "RESERVE", "exposure_delta": 1_000}),
        (RiskEvent, {"kind": "RESERVE", "open_risk_delta": 1_000}),
    ],
    "heimdall_policy_is_named": [
        (HeimdallPolicy, {"domain": "", "engine": "A"}), (HeimdallPolicy, {"engine": ""}),
        (HeimdallPolicy, {"outcome_metric": ""}),
    ],
    "heimdall_confidence_in_range": [
        (HeimdallPolicy, {"min_confidence_prod": Decimal(share)}) for share in ("-0.000001", "1.000001")
    ],
    "heimdall_success_rate_in_range": [
        (HeimdallPolicy, {"min_sandbox_success_rate": Decimal(share)}) for share in ("-0.000001", "1.000001")
    ],
    "heimdall_trials_in_range": [(HeimdallPolicy, {"min_sandbox_trials": trials}) for trials in (-1, 10**9 + 1)],
    "heimdall_days_in_range": [(HeimdallPolicy, {"evidence_days": days}) for days in (0, 367)],
    "heimdall_scorecard_once_a_day": [(HeimdallScorecardDay, {"domain": "A"})],
    "heimdall_scorecard_successes_in_trials": [
        (HeimdallScorecardDay, {"trials": 1, "successes": 2}), (HeimdallScorecardDay, {"successes": -1}),
    ],
    "heimdall_evidence_rule_is_known": [(HeimdallPolicy, {"evidence_rule": "HUNCH"})],
    "heimdall_evidence_is_named": [(HeimdallEvidence, {"domain": ""})],
    "heimdall_evidence_is_numbered": [(HeimdallEvidence, {"start": 0})],
    "heimdall_evidence_successes_in_trials": [
        (HeimdallEvidence, {"trials": 1, "successes": 2}), (HeimdallEvidence, {"successes": -1}),
    ],
    "heimdall_recommendation_confidence_in_range": [
        (HeimdallRecommendation, {"confidence": confidence}) for confidence in (-0.001, 1.001)
    ],
    "heimdall_recommendation_eligible_is_pass": [
        (HeimdallRecommendation, {"gate_reason": "policy_missing"}), (HeimdallRecommendation, {"prod_eligible": False}),
    ],
    "heimdall_recommendation_authorized_by_someone": [
        (HeimdallRecommendation, {"authorized_at": NOW()}), (HeimdallRecommendation, {"authorized_by": "jo"}),
    ],
    "heimdall_recommendation_outcome_of_authorized": [
        (HeimdallRecommendation, {**AUTHORIZED, **told})
        for told in (
            {"outcome": True}, {"outcome": True, "outcome_at": NOW()}, {"outcome": False, "outcome_by": "jo"},
            {"outcome_at": NOW()}, {"outcome_by": "jo"},
        )
    ] + [(HeimdallRecommendation, {"outcome": True, "outcome_at": NOW(), "outcome_by": "jo"})],
    "heimdall_event_confidence_in_range": [(HeimdallEvent, {"confidence": share}) for share in (-0.001, 1.001)],
    "heimdall_event_trial_has_outcome": [
        (HeimdallEvent, {"kind": "TRIAL", "success": True}), (HeimdallEvent, {"kind": "TRIAL", "confidence": 0.5}),
        (HeimdallEvent, {"kind": "OUTCOME", "confidence": 0.5}),
    ],
    "heimdall_event_names_recommendation": [(HeimdallEvent, {"kind": kind}) for kind in ("RECOMMEND", "AUTHORIZE")
    ] + [(HeimdallEvent, {"kind": "OUTCOME", "success": True, "confidence": 0.5})],
    "kpi_success_or_value": [(KpiEvent, {"value": 1.0}), (KpiEvent, {"success": None})],
    "kpi_value_in_range": [(KpiEvent, {"success": None, "value": value}) for value in (-1.01e15, 1.01e15)],
    "kpi_batch_key_once": [(KpiBatch, {})],
    "kpi_batch_has_a_key": [(KpiBatch, {"idempotency_key": ""})],
    "kpi_is_named": [(KpiEvent, {"domain": ""}), (KpiEvent, {"metric": ""})],
    "regression_gap_once": [(RegressionGap, {})],
    "regression_gap_holds_something": [(RegressionGap, {"after_id": 2})],
    "regression_policy_once": [(RegressionPolicy, {})],
    "regression_policy_is_named": [(RegressionPolicy, {"domain": ""}), (RegressionPolicy, {"metric": ""})],
    "regression_window_in_range": [
        (RegressionPolicy, {"window_events": 0, "min_events_to_enforce": 0}),
        (RegressionPolicy, {"window_events": 10_001}),
    ],
    "regression_baseline_in_range": [
        (RegressionPolicy, {"baseline_events": 0, "min_events_to_enforce": 0}),
        (RegressionPolicy, {"baseline_events": 10_001}),
    ],
    "regression_can_trigger": [
        (RegressionPolicy, {"min_events_to_enforce": 5}),
        (RegressionPolicy, {"min_events_to_enforce": 5, "window_events": 5, "baseline_events": 4}),
        (RegressionPolicy, {"min_events_to_enforce": 0}),
    ],
    "regression_drop_in_range": [(RegressionPolicy, {"max_drop_fraction": Decimal(at)}) for at in ("0", "1.000001")],
    "regression_action_is_known": [(RegressionPolicy, {"action": "SHOUT"})],
    "regression_mode_is_known": [(RegressionPolicy, {"mode": "HALF"})],
    "regression_detector_has_its_baseline": [
        (RegressionPolicy, {"detector": "SEQUENTIAL"}),
        (RegressionPolicy, {"detector": "GUESS"}),
        (RegressionPolicy, {"baseline_kind": "BEST"}),
    ],
    "regression_pin_in_range": [
        (RegressionPolicy, {"baseline_size": 99}),
        (RegressionPolicy, {"baseline_size": 100_001}),
        (RegressionPolicy, {"block_events": 0}),
        (RegressionPolicy, {"baseline_size": 100_000, "block_events": 1_001}),
        (RegressionPolicy, {"baseline_size": 119, "block_events": 6}),
    ],
    "regression_bounds_in_order": [
        (RegressionPolicy, {"value_low": 1.0}),
        (RegressionPolicy, {"value_low": -1.1e15}),
        (RegressionPolicy, {"value_high": 1.1e15}),
    ],
    "regression_errors_in_range": [
        (RegressionPolicy, {name: Decimal(at)}) for name in ("alpha", "beta") for at in ("0", "0.500001")
    ],
    "regression_run_in_range": [(RegressionPolicy, {"run_length": at}) for at in (99, 10**9 + 1)],
    "regression_baseline_numbered": [(RegressionBaseline, {"number": 7, "status": "REPLACED"})],
    "regression_baseline_stands_once": [(RegressionBaseline, {}), (RegressionBaseline, {"status": "TAKING"})],
    "regression_baseline_within_its_size": [(RegressionBaseline, {"events": 1_001})],
    "regression_baseline_can_be_tested": [
        (RegressionBaseline, {"bound": 0.0}),
        (RegressionBaseline, {"bound": 1.0}),
        (RegressionBaseline, {"mean": None}),
    ],
    "incident_cause_comes_with_its_resolution": [(RegressionIncident, {"cause": "FALSE_ALARM"})],
    "regression_state_once": [(RegressionState, {})],
    "regression_trip_keeps_baseline": [
        (RegressionState, {"triggered": True, "last_triggered_at": NOW()}),
        (RegressionState, {"triggered": True, "baseline_end_id": 1}),
        (RegressionState, {"baseline_end_id": 1}),
    ],
    "incident_status_has_its_times": [
        (RegressionIncident, {"acknowledged_at": NOW()}),
        (RegressionIncident, {"status": "ACKNOWLEDGED"}),
        (RegressionIncident, {"status": "ACKNOWLEDGED", "acknowledged_at": NOW(), "resolved_at": NOW()}),
        (RegressionIncident, {"status": "RESOLVED", "acknowledged_at": NOW()}),
        (RegressionIncident, {"status": "RESOLVED", "resolved_at": NOW()}),
    ],
    "deal_amounts_in_range": [(Deal, {"amount": 0}), (Deal, {"realized_loss": -1})],
}  # fmt: skip
CASES = [(name, model, values) for name, cases in BAD.items() for model, values in cases]
# A row that another constraint forbids too, which the database may name instead: by its name or by its column.
ALSO = {
    "heimdall_trials_in_range": "min_sandbox_trials",
    "heimdall_scorecard_successes_in_trials": "successes",
    "heimdall_evidence_successes_in_trials": "successes",
    "heimdall_event_trial_has_outcome": "heimdall_event_names_recommendation",
    "regression_window_in_range": "regression_can_trigger",
    "regression_baseline_in_range": "regression_can_trigger",
}


def _constraints() -> dict[str, Any]:
    return {constraint.name: constraint for model in our_models() for constraint in model._meta.constraints}


def test_every_constraint_is_tried() -> None:
    assert set(BAD) == set(_constraints())


@pytest.mark.parametrize(("name", "model", "values"), CASES, ids=[f"{name}-{list(v)}" for name, _m, v in CASES])
def test_the_database_refuses_a_row_that_breaks_it(name: str, model: type[Model], values: dict[str, Any]) -> None:
    constraint = _constraints()[name]
    make: Callable[..., Model] = ROWS[model]
    if isinstance(constraint, UniqueConstraint):
        make(**values)
        values = {**values, **({"hash": "2" * 64} if model is Seal else {})}
    with pytest.raises(IntegrityError) as raised, transaction.atomic():
        make(**values)
    said = str(raised.value)
    if isinstance(constraint, UniqueConstraint) and connection.vendor == "sqlite":
        assert all(f"{model._meta.db_table}.{field}" in said for field in constraint.fields)
    else:
        assert name in said or ALSO.get(name, name) in said


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_a_row_that_breaks_none_is_taken(model: type[Model]) -> None:
    if model in {Epoch, GoLiveState}:
        model._default_manager.all().delete()
    assert ROWS[model]().pk
