"""What a trip pulls, the incident that it opens, and the re-arming that ends it."""

from __future__ import annotations

from decimal import Decimal

import pytest

import golive.selectors
import golive.services
import riskguard.selectors
import riskguard.services
from governance import changes, holds
from governance.errors import Invalid, NotFound
from governance.models import AuditEvent, Hold
from regression import selectors, services
from regression.models import KpiEvent, RegressionGap, RegressionIncident, RegressionPolicy, RegressionState
from tests.regression.factories import (
    DOMAIN,
    METRIC,
    PAIR,
    IncidentFactory,
    PolicyFactory,
    arm,
    evaluate,
    rearm,
    record,
    record_at_once,
    risk_policy,
    tripped,
)

pytestmark = pytest.mark.django_db
WHOLESALE = {"domain": "WHOLESALE", "metric": "contract_rate"}
REASON = "Regression tripwire: OFFERS.signed drop=1.000"


# Tripping


def test_a_throttle_disables_the_risk_policy_holds_the_engine_and_opens_an_incident() -> None:
    state = tripped()
    events = list(KpiEvent.objects.order_by("pk").values_list("pk", flat=True))
    assert (state.triggered, state.baseline_end_id) == (True, events[7])
    assert state.last_triggered_at is not None
    policy = risk_policy(DOMAIN)
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
    assert risk_policy(DOMAIN) is None
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
    record_at_once("SSSSSSSSSSSS")
    state = RegressionState.objects.get()
    assert (state.triggered, state.baseline, state.current, state.baseline_count) == (True, 1, 1, 8)


def test_what_was_pulled_cannot_be_enabled_before_the_re_arming() -> None:
    tripped()
    asked = {"engine": DOMAIN, "patch": {"enabled": True}, "actor": "jo", "reason": "again"}
    refusal = riskguard.services.set_policy(**asked)
    assert isinstance(refusal, changes.Refused)
    assert (refusal.code, f"{DOMAIN}/{METRIC}" in refusal.message) == ("pinned", True)
    rearm()
    assert not risk_policy(DOMAIN).enabled
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
    record_at_once("SSSSSSSSFFFF", metric="second")
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
    record_at_once("SSSSSS")
    record("FF")
    assert RegressionState.objects.get().triggered
    rearm()
    assert RegressionGap.objects.count() == 2
    state = evaluate()
    assert (state.baseline, state.baseline_count, state.current_count) == (1, 8, 0)


def test_re_arming_one_that_is_not_triggered_starts_its_windows_anew_and_leaves_nothing_out() -> None:
    PolicyFactory()
    record_at_once("SSSSSSSSFFF")
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
