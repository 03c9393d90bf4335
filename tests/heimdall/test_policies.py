from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.conf import LazySettings
from django.db import IntegrityError

from governance import approvals, changes, clock
from governance.errors import Invalid
from governance.models import AuditEvent
from heimdall import policies, seeds
from heimdall.models import HeimdallEvent, HeimdallPolicy
from tests.approvers import approver
from tests.heimdall.asking import DOMAIN, change
from tests.heimdall.factories import PolicyFactory, RecommendationFactory, ScorecardFactory, today

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]


def test_a_new_policy_asks_for_everything_and_names_the_engine_of_its_domain() -> None:
    policy = change()
    assert (policy.engine, policy.min_confidence_prod, policy.min_sandbox_success_rate) == (DOMAIN, 1, 1)
    assert (policy.min_sandbox_trials, policy.prod_use_enabled, policy.evidence_days) == (1, False, 1)
    assert AuditEvent.objects.get(action="heimdall.policy.set").before is None


def test_a_change_sets_the_named_fields_alone_and_is_in_the_trail() -> None:
    PolicyFactory(domain=DOMAIN)
    change(min_sandbox_trials=20)
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
    answer = change(min_sandbox_trials=2)
    assert isinstance(answer, changes.Refused)
    assert answer.code == "created_meanwhile"
    assert HeimdallPolicy.objects.get(domain=DOMAIN).min_sandbox_trials == 75


def test_a_policy_out_of_range_is_refused_by_the_table_too() -> None:
    with pytest.raises(IntegrityError):
        change(min_confidence_prod=Decimal("1.000001"))


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
