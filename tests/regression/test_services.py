from __future__ import annotations

import random
from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

import golive.selectors
import golive.services
import riskguard.selectors
import riskguard.services
from governance import approvals, changes, grants, holds
from governance.errors import Invalid, NotFound
from governance.models import AuditEvent, Hold
from regression import seeds, selectors, services
from regression.models import KpiEvent, RegressionGap, RegressionIncident, RegressionPolicy, RegressionState
from tests.approvers import approver
from tests.regression.factories import (
    DOMAIN,
    METRIC,
    PAIR,
    EventFactory,
    GapFactory,
    IncidentFactory,
    PolicyFactory,
    StateFactory,
    arm,
    evaluate,
    rearm,
    record,
    tripped,
)

pytestmark = pytest.mark.django_db
WHOLESALE = {"domain": "WHOLESALE", "metric": "contract_rate"}
REASON = "Regression tripwire: OFFERS.signed drop=1.000"


def _risk_policy(engine: str) -> Any:
    return next((policy for policy in riskguard.selectors.policies() if policy.engine == engine), None)


def _submit(name: str, target: str = f"{DOMAIN}/{METRIC}", **patch: Any) -> Any:
    return changes.submit(action=name, target=target, patch=patch, actor="jo", reason="because")


# Recording


def test_an_event_is_recorded_as_it_came() -> None:
    recorded = services.record_kpi(**PAIR, success=False, actor="bot", correlation_id="abc")
    event = KpiEvent.objects.get()
    assert (recorded.id, recorded.state) == (event.pk, None)
    assert (event.domain, event.metric, event.success, event.value) == (DOMAIN, METRIC, False, None)
    assert (event.actor, event.correlation_id) == ("bot", "abc")


def test_without_an_enabled_policy_no_state_comes_to_be() -> None:
    record("SF")
    PolicyFactory(enabled=False)
    record("SF")
    assert KpiEvent.objects.count() == 4
    assert not RegressionState.objects.exists()


def test_names_are_spelled_as_the_api_spells_them_so_that_no_tripwire_is_missed() -> None:
    PolicyFactory()
    recorded = services.record_kpi(domain=" offers ", metric="Signed", success=True, actor="bot")
    assert recorded.state is not None


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"domain": "A B", "success": True}, {"domain"}),
        ({"metric": "", "success": True}, {"metric"}),
        ({}, {"success", "value"}),
        ({"success": True, "value": 1.0}, {"success", "value"}),
        ({"value": float("nan")}, {"value"}),
        ({"value": 1.1e15}, {"value"}),
    ],
)
def test_a_malformed_event_names_the_field_and_records_nothing(given: dict[str, Any], fields: set[str]) -> None:
    with pytest.raises(Invalid) as raised:
        services.record_kpi(**{**PAIR, **given}, actor="bot")
    assert set(raised.value.errors) == fields
    assert not KpiEvent.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_callers_rollback_cannot_undo_a_trip_since_the_decision_is_its_own_transaction() -> None:
    with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
        record("S")


# The walkthrough's numbers


@pytest.mark.parametrize("seed", range(3))
def test_the_documents_example_reads_and_trips_as_it_says(seed: int) -> None:
    order = random.Random(seed)
    events = [True] * 190 + [False] * 10
    order.shuffle(events)
    record([True, *events], **WHOLESALE)
    assert not RegressionState.objects.exists()
    arm(**WHOLESALE)
    state = evaluate(**WHOLESALE)
    assert (state.baseline, state.current, state.drop_fraction, state.triggered) == (0.95, 0.95, 0, False)
    assert (state.baseline_count, state.current_count) == (200, 0)
    worse = [True] * 37 + [False] * 13
    order.shuffle(worse)
    states = [recorded.state for recorded in record(worse, **WHOLESALE)]
    assert [state.triggered for state in states if state] == [False] * 49 + [True]
    state = evaluate(**WHOLESALE)
    assert (state.baseline, state.current, state.triggered) == (0.95, 0.74, True)
    assert state.drop_fraction == pytest.approx(0.21 / 0.95)
    assert (state.baseline_count, state.current_count) == (200, 50)
    incident = RegressionIncident.objects.get()
    assert incident.last_event_id - incident.first_event_id == 49
    assert _risk_policy("WHOLESALE").reason == "Regression tripwire: WHOLESALE.contract_rate drop=0.221"
    assert not _risk_policy("WHOLESALE").enabled


@pytest.mark.parametrize(("successes", "triggered"), [(38, True), (39, False)])
def test_a_drop_of_exactly_a_fifth_triggers_and_one_success_more_does_not(successes: int, triggered: bool) -> None:
    record([True] * 190 + [False] * 10, **WHOLESALE)
    arm(**WHOLESALE)
    record([True] * successes + [False] * (50 - successes), **WHOLESALE)
    assert evaluate(**WHOLESALE).triggered is triggered


# Evaluating


def test_without_a_policy_there_is_nothing_to_evaluate() -> None:
    assert services.evaluate(**PAIR, actor="jo") is None
    assert not RegressionState.objects.exists()


def test_a_disabled_policy_is_evaluated_for_its_figures_and_never_triggers() -> None:
    PolicyFactory(enabled=False)
    record("SSSSSSSSFFFF")
    state = evaluate()
    assert (state.baseline, state.current, state.drop_fraction, state.triggered) == (1, 0, 1, False)
    assert state.note.startswith("The policy is disabled")
    assert state.last_checked_at is not None


def test_evaluating_a_disabled_policy_after_the_fact_trips_once_it_is_enabled_only_by_new_events() -> None:
    PolicyFactory(enabled=False)
    record("SSSSSSSSFFFF")
    arm()
    assert not evaluate().triggered
    # The failures are in the baseline by now: 4 of 8, and the new ones are a drop from there.
    assert [recorded.state.triggered for recorded in record("FFFF") if recorded.state] == [False] * 3 + [True]


def test_enabling_arms_and_shows_the_baseline_at_once() -> None:
    PolicyFactory(enabled=False)
    record("SSSF")
    arm()
    state = RegressionState.objects.get()
    assert state.armed_after_id == KpiEvent.objects.latest("pk").pk
    assert (state.baseline, state.current, state.drop_fraction, state.current_count) == (0.75, 0.75, 0, 0)


def test_enabling_what_is_enabled_arms_nothing() -> None:
    PolicyFactory()
    record("SSSSSSSSFF")
    arm()
    assert RegressionState.objects.get().armed_after_id == 0


@pytest.mark.parametrize(("last", "triggered"), [(7.99, True), (7.990000000000001, False)])
def test_values_are_compared_by_their_means(last: float, triggered: bool) -> None:
    PolicyFactory()
    record([10.0] * 8 + [8.01, 8.0, 8.0, last])
    state = RegressionState.objects.get()
    assert (state.triggered, state.baseline) == (triggered, 10)
    assert state.note.startswith("Triggered" if triggered else "Watching")
    assert state.current == pytest.approx(8, abs=0.01)


def test_a_baseline_of_zero_never_triggers_and_the_note_says_why() -> None:
    PolicyFactory()
    record([0.0] * 8 + [-5.0] * 4)
    state = evaluate()
    assert (state.baseline, state.current, state.drop_fraction, state.triggered) == (0, -5, None, False)
    assert "The baseline is 0" in state.note


def test_a_drop_beyond_a_double_is_stored_as_the_largest() -> None:
    PolicyFactory()
    record([5e-324] * 8 + [-1e15] * 4)
    state = RegressionState.objects.get()
    assert (state.triggered, state.drop_fraction) == (True, 1.7976931348623157e308)
    assert _risk_policy(DOMAIN).reason.endswith("drop=1.8e+308")


def test_another_metrics_events_do_not_count() -> None:
    PolicyFactory()
    record("SSSSSSSS")
    record("FFFF", metric="another")
    record("FFFF", domain="ANOTHER")
    assert (evaluate().current_count, evaluate().baseline) == (0, 1)


# Tripping


def test_a_throttle_disables_the_risk_policy_holds_the_engine_and_opens_an_incident() -> None:
    state = tripped()
    events = list(KpiEvent.objects.order_by("pk").values_list("pk", flat=True))
    assert (state.triggered, state.baseline_end_id) == (True, events[7])
    assert state.last_triggered_at is not None
    policy = _risk_policy(DOMAIN)
    assert (policy.enabled, policy.reason, policy.changed_by) == (False, REASON, "regression-tripwire")
    hold = Hold.objects.get(source="regression")
    assert (hold.scope, hold.code, hold.key) == (DOMAIN, "tripwire_triggered", f"{DOMAIN}/{METRIC}")
    assert (hold.reason, hold.rank, hold.pins) == (REASON, 40, f"risk_policy:{DOMAIN}")
    assert [hold.code for hold in holds.standing(DOMAIN) if hold.scope == DOMAIN] == [
        "policy_disabled", "tripwire_triggered",
    ]  # fmt: skip
    incident = RegressionIncident.objects.get()
    assert (incident.status, incident.action, incident.drop_fraction) == ("OPEN", "THROTTLE", 1)
    assert (incident.baseline, incident.current, incident.baseline_count, incident.current_count) == (1, 0, 8, 4)
    assert (incident.first_event_id, incident.last_event_id) == (events[8], events[11])
    assert incident.max_drop_fraction == Decimal("0.2")
    row = AuditEvent.objects.get(action="risk.policy.set", target=DOMAIN)
    assert (row.actor, row.via, row.reason) == ("regression-tripwire", "tripwire", REASON)


def test_a_kill_switch_is_engaged_and_the_engine_is_held_too() -> None:
    tripped(action="KILL_SWITCH")
    state = golive.selectors.state()
    assert (state.kill_switch_engaged, state.reason, state.changed_by) == (True, REASON, "regression-tripwire")
    hold = Hold.objects.get(source="regression")
    assert (hold.scope, hold.pins) == (DOMAIN, "kill_switch")
    assert _risk_policy(DOMAIN) is None
    assert AuditEvent.objects.get(action="kill_switch.engage").via == "tripwire"


def test_triggers_once_however_often_it_is_evaluated() -> None:
    tripped()
    record("FFFF")
    evaluate()
    assert RegressionIncident.objects.count() == 1
    assert AuditEvent.objects.filter(action="risk.policy.set").count() == 1


def test_while_triggered_figures_go_on_against_the_baseline_of_the_trip() -> None:
    tripped()
    record("SSS")
    state = RegressionState.objects.get()
    assert (state.triggered, state.baseline, state.current, state.drop_fraction) == (True, 1, 0.75, 0.25)
    record("SSSSSSSSSSSS")
    state = RegressionState.objects.get()
    assert (state.triggered, state.baseline, state.current, state.baseline_count) == (True, 1, 1, 8)


def test_what_was_pulled_cannot_be_enabled_before_the_re_arming() -> None:
    tripped()
    asked = {"engine": DOMAIN, "patch": {"enabled": True}, "actor": "jo", "reason": "again"}
    refusal = riskguard.services.set_policy(**asked)
    assert isinstance(refusal, changes.Refused)
    assert (refusal.code, f"{DOMAIN}/{METRIC}" in refusal.message) == ("pinned", True)
    rearm()
    assert not _risk_policy(DOMAIN).enabled
    assert not isinstance(riskguard.services.set_policy(**asked), changes.Refused)


def test_the_kill_switch_cannot_be_released_before_the_re_arming() -> None:
    tripped(action="KILL_SWITCH")
    assert isinstance(golive.services.release_kill_switch(actor="jo", reason="again"), changes.Refused)
    rearm()
    assert golive.selectors.state().kill_switch_engaged
    assert not isinstance(golive.services.release_kill_switch(actor="jo", reason="again"), changes.Refused)


def test_two_tripwires_of_one_domain_both_pin_it() -> None:
    tripped()
    PolicyFactory(metric="second")
    record("SSSSSSSSFFFF", metric="second")
    rearm()
    assert [hold.key for hold in Hold.objects.filter(source="regression")] == [f"{DOMAIN}/second"]
    assert holds.pinning(f"risk_policy:{DOMAIN}") is not None


def test_switching_a_triggered_one_off_and_on_does_not_re_arm_it() -> None:
    tripped()
    services.set_policy(**PAIR, patch={"enabled": False}, actor="jo", reason="off")
    arm()
    state = RegressionState.objects.get()
    assert (state.triggered, state.armed_after_id) == (True, 0)
    assert Hold.objects.filter(source="regression").exists()


# Re-arming


def test_a_re_arming_lifts_the_hold_and_is_recorded() -> None:
    before = tripped()
    state = rearm()
    last = KpiEvent.objects.latest("pk").pk
    assert (state.triggered, state.baseline_end_id, state.armed_after_id) == (False, None, last)
    assert (state.baseline, state.current, state.drop_fraction, state.current_count) == (1, 1, 0, 0)
    assert state.last_triggered_at == before.last_triggered_at
    assert not Hold.objects.filter(source="regression").exists()
    row = AuditEvent.objects.get(action="regression.rearm")
    assert (row.target, row.actor, row.reason) == (f"{DOMAIN}/{METRIC}", "jo", "mended")
    assert row.before == {"triggered": True, "armed_after_id": 0, "baseline_end_id": before.baseline_end_id}
    assert row.after == {"triggered": False, "armed_after_id": last, "baseline_end_id": None}
    assert RegressionIncident.objects.get().status == "OPEN"


def test_old_events_never_trigger_again_and_those_of_the_trip_never_enter_a_baseline() -> None:
    tripped()
    trip = set(KpiEvent.objects.order_by("pk").values_list("pk", flat=True)[8:])
    rearm()
    assert not evaluate().triggered
    policy = RegressionPolicy.objects.get(**PAIR)
    sizes = []
    for _ in range(14):
        recorded = record("S")[0]
        assert recorded.state is not None
        seen = selectors.windows(recorded.state, policy.terms())
        used = {event.id for event in [*seen.current, *seen.baseline]}
        assert not used & trip
        first = RegressionGap.objects.get().until_id
        sizes.append((len(seen.current), sum(event.id > first for event in seen.baseline), len(seen.baseline)))
        assert not recorded.state.triggered
    # The baseline of the trip gives way one by one, once the current window is full.
    assert sizes == [
        *[(count, 0, 8) for count in (1, 2, 3, 4)], *[(4, count, 8) for count in range(1, 9)], (4, 8, 8), (4, 8, 8),
    ]  # fmt: skip


def test_two_trips_in_a_row_from_the_same_baseline_leave_one_gap() -> None:
    first = tripped()
    rearm()
    states = [recorded.state for recorded in record("FFFF")]
    assert [state.triggered for state in states if state] == [False] * 3 + [True]
    second = RegressionState.objects.get()
    assert second.baseline_end_id == first.baseline_end_id
    assert (second.baseline, second.current) == (1, 0)
    rearm()
    gap = RegressionGap.objects.get()
    assert (gap.after_id, gap.until_id) == (first.baseline_end_id, KpiEvent.objects.latest("pk").pk)
    assert RegressionIncident.objects.count() == 2
    assert evaluate().baseline == 1


def test_two_trips_with_good_events_between_leave_two_gaps() -> None:
    tripped()
    rearm()
    record("SSSSSS")
    record("FF")
    assert RegressionState.objects.get().triggered
    rearm()
    assert RegressionGap.objects.count() == 2
    state = evaluate()
    assert (state.baseline, state.baseline_count, state.current_count) == (1, 8, 0)


def test_re_arming_one_that_is_not_triggered_starts_its_windows_anew_and_leaves_nothing_out() -> None:
    PolicyFactory()
    record("SSSSSSSSFFF")
    state = rearm()
    assert (state.current_count, state.baseline_count, state.baseline) == (0, 8, 0.625)
    assert not RegressionGap.objects.exists()
    assert not evaluate().triggered


def test_a_re_arming_needs_a_reason_and_a_tripwire() -> None:
    with pytest.raises(NotFound, match="no regression policy for OFFERS/signed"):
        rearm()
    PolicyFactory()
    with pytest.raises(NotFound, match="never enabled or evaluated"):
        rearm()
    with pytest.raises(Invalid) as raised:
        services.rearm(**PAIR, actor="jo", reason=" ")
    assert set(raised.value.errors) == {"reason"}


def test_re_arming_works_where_retention_took_the_trips_events() -> None:
    state = tripped()
    KpiEvent.objects.filter(pk__gt=state.baseline_end_id).delete()
    assert not rearm().triggered
    assert not RegressionGap.objects.exists()


# Reading


def _plans(seen: CaptureQueriesContext) -> list[str]:
    """Return the plans of the queries that read events."""
    reads = [query["sql"] for query in seen.captured_queries if "FROM kpi_event" in query["sql"]]
    explain = "EXPLAIN QUERY PLAN" if connection.vendor == "sqlite" else "EXPLAIN (ANALYZE)"
    plans = []
    for sql in reads:
        with connection.cursor() as cursor:
            cursor.execute(f"{explain} {sql}")
            plans.append("\n".join(str(row) for row in cursor.fetchall()))
    return plans


def _events(number: int, **fields: Any) -> None:
    """Record many events at once; a factory would take most of the test's time."""
    one = EventFactory.build(**fields)
    told = {field.attname: getattr(one, field.attname) for field in KpiEvent._meta.fields if not field.primary_key}
    KpiEvent.objects.bulk_create(KpiEvent(**told) for _ in range(number))


@pytest.mark.parametrize("busy", [METRIC, "another"])
@pytest.mark.parametrize("triggered", [False, True])
def test_an_evaluation_reads_the_same_few_rows_however_many_events_there_are(triggered: bool, busy: str) -> None:
    """Whether its own events are many, or it has been silent while others' went on."""
    PolicyFactory()
    numbers = []
    for more in (1_000, 9_000):
        _events(0 if numbers else 1_000)
        if triggered and not numbers:
            record("FFFF")
        _events(more, metric=busy)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE kpi_event")
        with CaptureQueriesContext(connection) as seen:
            state = evaluate()
        assert (state.triggered, state.baseline_count, state.current_count) == (triggered, 8, 4)
        numbers.append(len(seen))
        plans = _plans(seen)
        assert plans
        for plan in plans:
            assert "kpi_newest" in plan, plan
            assert not any(word in plan for word in ("Seq Scan", "Sort", "B-TREE", "Rows Removed")), plan
    assert numbers[0] == numbers[1]


def test_what_a_gap_holds_is_not_read() -> None:
    PolicyFactory()
    record("SSSSSSSS")
    before = KpiEvent.objects.latest("pk").pk
    KpiEvent.objects.bulk_create(EventFactory.build(success=False) for _ in range(2_000))
    GapFactory(after_id=before, until_id=KpiEvent.objects.latest("pk").pk)
    with CaptureQueriesContext(connection) as seen:
        state = evaluate()
    assert (state.baseline, state.baseline_count) == (1, 8)
    bounds = [query["sql"] for query in seen.captured_queries if "FROM kpi_event" in query["sql"]]
    assert len(bounds) == 2


def test_events_between_many_gaps_are_read_one_by_one() -> None:
    PolicyFactory(window_events=1, baseline_events=3, min_events_to_enforce=1)
    kept = []
    for _ in range(8):
        kept.append(EventFactory(success=True).pk)
        lost = [EventFactory(success=False).pk for _ in range(3)]
        GapFactory(after_id=kept[-1], until_id=lost[-1])
    for limit in range(1, 10):
        found = selectors.effective(DOMAIN, METRIC, limit=limit)
        assert [event.id for event in found] == kept[::-1][:limit]
    assert (evaluate().baseline, evaluate().baseline_count) == (1, 3)


# Policies


def test_a_new_policy_has_the_defaults_and_is_disabled() -> None:
    policy = services.set_policy(**PAIR, patch={}, actor="jo", reason="new")
    assert isinstance(policy, RegressionPolicy)
    assert policy.snapshot() == {
        "window_events": 50, "baseline_events": 200, "min_events_to_enforce": 50, "max_drop_fraction": "0.2",
        "action": "THROTTLE", "enabled": False, "mode": "ENFORCE", "detector": "WINDOW", "baseline_kind": "ROLLING",
        "baseline_size": 1_000, "block_events": 1, "value_low": 0, "value_high": 1, "beta": "0.025",
        "run_length": 20_000, "alpha": "0.01", "retired": False,
    }  # fmt: skip
    row = AuditEvent.objects.get(action="regression.policy.set")
    assert (row.before, row.after) == (None, policy.snapshot())


def test_a_policy_changes_the_fields_that_are_named_and_no_others() -> None:
    services.set_policy(**WHOLESALE, patch={"enabled": True}, actor="jo", reason="on")
    policy = RegressionPolicy.objects.get(**WHOLESALE)
    assert (policy.enabled, policy.window_events, policy.baseline_events) == (True, 50, 200)
    assert (policy.max_drop_fraction, policy.changed_by, policy.reason) == (Decimal("0.2"), "jo", "on")


@pytest.mark.parametrize(
    ("patch", "field"),
    [
        ({"min_events_to_enforce": 51}, "min_events_to_enforce"),
        ({"window_events": 49}, "window_events"),
        ({"baseline_events": 49}, "baseline_events"),
        ({"window_events": 300, "min_events_to_enforce": 201}, "min_events_to_enforce"),
    ],
)
def test_a_policy_that_could_never_trigger_is_invalid_by_the_door_and_by_the_service(
    patch: dict[str, int], field: str
) -> None:
    for change in (
        lambda: services.set_policy(**WHOLESALE, patch=patch, actor="jo"),
        lambda: _submit("regression.policy.set", "WHOLESALE/contract_rate", **patch),
    ):
        with pytest.raises(Invalid, match="never trigger") as raised:
            change()
        assert set(raised.value.errors) == {field}
    assert RegressionPolicy.objects.get(**WHOLESALE).window_events == 50


def test_a_patch_that_does_both_applies_what_tightens_and_leaves_the_rest_pending(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    outcome = _submit(
        "regression.policy.set", "WHOLESALE/contract_rate",
        enabled=True, max_drop_fraction="0.1", window_events=100, min_events_to_enforce=60,
    )  # fmt: skip
    assert isinstance(outcome, changes.Pending)
    assert outcome.change.patch == {"window_events": 100, "min_events_to_enforce": 60}
    policy = RegressionPolicy.objects.get(**WHOLESALE)
    assert (policy.enabled, policy.max_drop_fraction, policy.window_events) == (True, Decimal("0.1"), 50)
    approver("ada")
    approved = approvals.approve(change_id=outcome.change.pk, actor="ada")
    assert isinstance(approved, changes.Applied)
    policy.refresh_from_db()
    assert (policy.window_events, policy.min_events_to_enforce, policy.enabled) == (100, 60, True)


def test_a_new_policys_looser_half_is_judged_against_the_defaults(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    outcome = _submit("regression.policy.set", enabled=True, max_drop_fraction="0.5")
    assert isinstance(outcome, changes.Pending)
    assert outcome.change.patch == {"max_drop_fraction": "0.5"}
    policy = RegressionPolicy.objects.get(**PAIR)
    assert (policy.enabled, policy.max_drop_fraction) == (True, Decimal("0.2"))


@pytest.mark.parametrize(
    "patch",
    [
        {"enabled": False},
        {"max_drop_fraction": "0.300001"},
        {"baseline_events": 300},
        {"action": "THROTTLE"},
    ],
)
def test_what_loosens_waits_for_a_second_person(settings: LazySettings, patch: dict[str, Any]) -> None:
    settings.FOUR_EYES = True
    target = "CAPITAL/roi_event"
    assert isinstance(_submit("regression.policy.set", target, enabled=True), changes.Applied)
    before = RegressionPolicy.objects.get(domain="CAPITAL").snapshot()
    assert isinstance(_submit("regression.policy.set", target, **patch), changes.Pending)
    assert RegressionPolicy.objects.get(domain="CAPITAL").snapshot() == before


def test_a_re_arming_waits_for_a_second_person_and_events_meanwhile_do_not_make_it_stale(
    settings: LazySettings,
) -> None:
    settings.FOUR_EYES = True
    tripped()
    outcome = _submit("regression.rearm")
    assert isinstance(outcome, changes.Pending)
    assert RegressionState.objects.get().triggered
    record("SS")
    approver("ada")
    assert isinstance(approvals.approve(change_id=outcome.change.pk, actor="ada"), changes.Applied)
    state = RegressionState.objects.get()
    assert (state.triggered, state.armed_after_id) == (False, KpiEvent.objects.latest("pk").pk)
    assert AuditEvent.objects.get(action="regression.rearm", outcome="APPLIED").on_behalf_of == "jo"


def test_a_re_arming_that_waited_while_another_was_made_is_stale(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    tripped()
    outcome = _submit("regression.rearm")
    with grants.given():
        rearm()
    approver("ada")
    refusal = approvals.approve(change_id=outcome.change.pk, actor="ada")
    assert isinstance(refusal, changes.Refused)
    assert refusal.code == "stale"


def test_incidents_never_wait_for_a_second_person(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    incident = IncidentFactory()
    assert isinstance(_submit("regression.incident.acknowledge", str(incident.pk)), changes.Applied)
    assert isinstance(_submit("regression.incident.resolve", str(incident.pk)), changes.Applied)


# Incidents


def test_an_incident_is_acknowledged_and_resolved_in_that_order() -> None:
    incident = IncidentFactory()
    seen = services.acknowledge_incident(incident_id=incident.pk, actor="jo", reason="looking")
    assert isinstance(seen, RegressionIncident)
    assert (seen.status, seen.acknowledged_by, seen.resolved_at) == ("ACKNOWLEDGED", "jo", None)
    done = services.resolve_incident(incident_id=incident.pk, actor="ada", reason="bad data")
    assert isinstance(done, RegressionIncident)
    assert (done.status, done.acknowledged_by, done.resolved_by) == ("RESOLVED", "jo", "ada")
    assert done.resolution == "bad data"
    assert [row.action for row in AuditEvent.objects.order_by("pk")] == [
        "regression.incident.acknowledge", "regression.incident.resolve",
    ]  # fmt: skip


def test_resolving_an_open_incident_acknowledges_it_too() -> None:
    done = services.resolve_incident(incident_id=IncidentFactory().pk, actor="ada", reason="bad data")
    assert isinstance(done, RegressionIncident)
    assert (done.acknowledged_by, done.acknowledged_at) == ("ada", done.resolved_at)


def test_an_incident_is_dealt_with_once() -> None:
    incident = IncidentFactory()
    services.acknowledge_incident(incident_id=incident.pk, actor="jo")
    again = services.acknowledge_incident(incident_id=incident.pk, actor="ada")
    assert isinstance(again, changes.Refused)
    assert again.code == "not_open"
    services.resolve_incident(incident_id=incident.pk, actor="jo")
    again = services.resolve_incident(incident_id=incident.pk, actor="ada")
    assert isinstance(again, changes.Refused)
    assert again.code == "already_resolved"
    assert "by jo" in again.message
    late = services.acknowledge_incident(incident_id=incident.pk, actor="ada")
    assert isinstance(late, changes.Refused)
    assert AuditEvent.objects.count() == 2


def test_there_is_no_such_incident() -> None:
    with pytest.raises(NotFound, match="no incident 7"):
        services.resolve_incident(incident_id=7, actor="jo")


# Seeds


def test_missing_policies_are_put_back_and_edited_ones_left_alone() -> None:
    RegressionPolicy.objects.filter(domain="CAPITAL").delete()
    services.set_policy(**WHOLESALE, patch={"max_drop_fraction": Decimal("0.4")}, actor="jo")
    assert seeds.missing() == ["regression_policy CAPITAL/roi_event"]
    assert seeds.restore(actor="jo", reset=False) == ["regression_policy CAPITAL/roi_event"]
    assert RegressionPolicy.objects.get(domain="CAPITAL").action == "KILL_SWITCH"
    assert RegressionPolicy.objects.get(**WHOLESALE).max_drop_fraction == Decimal("0.4")
    assert seeds.restore(actor="jo", reset=True) == ["regression_policy WHOLESALE/contract_rate"]
    assert RegressionPolicy.objects.get(**WHOLESALE).max_drop_fraction == Decimal("0.2")
    assert seeds.missing() == []


def test_the_seeds_of_the_migration_and_of_the_command_are_the_same() -> None:
    standing = {(row.domain, row.metric): row.snapshot() for row in RegressionPolicy.objects.all()}
    RegressionPolicy.objects.all().delete()
    seeds.restore(actor="jo", reset=False)
    assert {(row.domain, row.metric): row.snapshot() for row in RegressionPolicy.objects.all()} == standing


# The second guards, in the tables


@pytest.mark.parametrize(
    "row",
    [
        lambda: EventFactory(success=None),
        lambda: EventFactory(success=True, value=1.0),
        lambda: EventFactory(success=None, value=1.1e15),
        lambda: EventFactory(domain=""),
        lambda: PolicyFactory(min_events_to_enforce=5),
        lambda: PolicyFactory(baseline_events=3),
        lambda: PolicyFactory(window_events=10_001),
        lambda: PolicyFactory(min_events_to_enforce=0),
        lambda: PolicyFactory(max_drop_fraction=Decimal(0)),
        lambda: PolicyFactory(max_drop_fraction=Decimal("1.000001")),
        lambda: PolicyFactory(action="SHOUT"),
        lambda: PolicyFactory(**WHOLESALE),
        lambda: StateFactory(triggered=True),
        lambda: StateFactory(baseline_end_id=1),
        lambda: GapFactory(after_id=5, until_id=5),
        lambda: IncidentFactory(status="RESOLVED"),
        lambda: IncidentFactory(status="ACKNOWLEDGED"),
    ],
)
def test_the_tables_refuse_what_no_service_writes(row: Any) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        row()


def test_rows_say_what_they_are() -> None:
    assert str(PolicyFactory()) == "OFFERS/signed"
    assert str(StateFactory()) == "OFFERS/signed not triggered"
    assert str(GapFactory(after_id=1, until_id=3)) == "OFFERS/signed (1, 3]"
    assert str(EventFactory.build(pk=1)) == "#1 OFFERS.signed success"
    assert str(EventFactory.build(pk=2, success=None, value=0.5)) == "#2 OFFERS.signed 0.5"
    assert str(IncidentFactory.build(pk=3)) == "#3 OFFERS/signed OPEN"
