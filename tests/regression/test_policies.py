"""The controls of a tripwire: changed by the door, put back from the seeds, guarded by the tables."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import IntegrityError, transaction

from governance import approvals, changes, grants
from governance.errors import Invalid
from governance.models import AuditEvent
from regression import seeds, services
from regression.models import KpiEvent, RegressionPolicy, RegressionState
from tests.approvers import approver
from tests.regression.factories import (
    PAIR,
    EventFactory,
    GapFactory,
    IncidentFactory,
    PolicyFactory,
    StateFactory,
    rearm,
    record,
    submit,
    tripped,
)

pytestmark = pytest.mark.django_db
WHOLESALE = {"domain": "WHOLESALE", "metric": "contract_rate"}
REASON = "Regression tripwire: OFFERS.signed drop=1.000"


# Policies


def test_a_new_policy_has_the_defaults_and_is_disabled() -> None:
    policy = services.set_policy(**PAIR, patch={}, actor="jo", reason="new")
    assert isinstance(policy, RegressionPolicy)
    assert policy.snapshot() == {
        "window_events": 50, "baseline_events": 200, "min_events_to_enforce": 50, "max_drop_fraction": "0.2",
        "action": "THROTTLE", "enabled": False, "mode": "ENFORCE", "detector": "WINDOW", "baseline_kind": "ROLLING",
        "baseline_size": 1_000, "block_events": 1, "value_low": 0, "value_high": 1, "beta": "0.025",
        "run_length": 20_000, "alpha": "0.01", "retired": False, "until": None,
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
        lambda: submit("regression.policy.set", "WHOLESALE/contract_rate", **patch),
    ):
        with pytest.raises(Invalid, match="never trigger") as raised:
            change()
        assert set(raised.value.errors) == {field}
    assert RegressionPolicy.objects.get(**WHOLESALE).window_events == 50


def test_a_patch_that_does_both_applies_what_tightens_and_leaves_the_rest_pending(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    outcome = submit(
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
    outcome = submit("regression.policy.set", enabled=True, max_drop_fraction="0.5")
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
    assert isinstance(submit("regression.policy.set", target, enabled=True), changes.Applied)
    before = RegressionPolicy.objects.get(domain="CAPITAL").snapshot()
    assert isinstance(submit("regression.policy.set", target, **patch), changes.Pending)
    assert RegressionPolicy.objects.get(domain="CAPITAL").snapshot() == before


def test_a_re_arming_waits_for_a_second_person_and_events_meanwhile_do_not_make_it_stale(
    settings: LazySettings,
) -> None:
    settings.FOUR_EYES = True
    tripped()
    outcome = submit("regression.rearm")
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
    outcome = submit("regression.rearm")
    with grants.given():
        rearm()
    approver("ada")
    refusal = approvals.approve(change_id=outcome.change.pk, actor="ada")
    assert isinstance(refusal, changes.Refused)
    assert refusal.code == "stale"


def test_incidents_never_wait_for_a_second_person(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    incident = IncidentFactory()
    assert isinstance(submit("regression.incident.acknowledge", str(incident.pk)), changes.Applied)
    assert isinstance(submit("regression.incident.resolve", str(incident.pk)), changes.Applied)


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
