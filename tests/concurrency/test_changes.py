"""Two people at one change request at once. Each race holds with its locks, and fails with them taken out."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from django.conf import LazySettings
from django.db import transaction

from governance import approvals, changes
from governance.changes import Applied, Pending, Refused
from governance.models import AuditEvent, ChangeRequest
from riskguard.models import RiskPolicy
from riskguard.policies import locked_policy
from tests.approvers import approver
from tests.riskguard.factories import policy
from tests.riskguard.racing import Attempt, Caller, errors, holding_writes, until_waiting, with_and_without_locks

SET = {"action": "risk.policy.set", "target": "WHOLESALE"}
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql, pytest.mark.usefixtures("seeded_noon")]


@pytest.fixture(autouse=True)
def _four_eyes(settings: LazySettings, seeded_noon: None) -> None:
    settings.FOUR_EYES = True
    approver("pat", "kim")


def _proposed() -> ChangeRequest:
    policy("WHOLESALE", max_daily_loss=100_00)
    outcome = changes.submit(**SET, patch={"max_daily_loss": 900}, actor="jo", reason="more room")
    assert isinstance(outcome, Pending)
    return outcome.change


def _loss() -> int | None:
    return RiskPolicy.objects.get(engine="WHOLESALE").max_daily_loss


@with_and_without_locks
def test_two_approvers_at_once_apply_once(locks: bool, proves: Callable[[Attempt, bool], None]) -> None:
    def attempt() -> list[str]:
        change = _proposed()
        with holding_writes("change_request"):
            callers = [Caller(partial(approvals.approve, change_id=change.pk, actor=name)) for name in ("pat", "kim")]
            until_waiting(*callers)
        answers = [caller.outcome() for caller in callers]
        wrong = [repr(error) for error in errors(answers)]
        codes = sorted(answer.code if isinstance(answer, Refused) else "applied" for answer in answers)
        wrong += [] if codes == ["applied", "not_pending"] else [f"answered {codes}"]
        for outcome in ("APPLIED", "APPROVED"):
            count = AuditEvent.objects.filter(outcome=outcome, change_request=change).count()
            wrong += [] if count == 1 else [f"{count} rows {outcome}"]
        return wrong + ([] if _loss() == 900_00 else [f"the cap is {_loss()}"])

    proves(attempt, locks)


@with_and_without_locks
def test_an_approval_and_a_withdrawal_at_once_end_it_one_way(
    locks: bool, proves: Callable[[Attempt, bool], None]
) -> None:
    def attempt() -> list[str]:
        change = _proposed()
        with holding_writes("change_request"):
            approval = Caller(partial(approvals.approve, change_id=change.pk, actor="pat"))
            withdrawal = Caller(partial(approvals.withdraw, change_id=change.pk, actor="jo"))
            until_waiting(approval, withdrawal)
        answers = [approval.outcome(), withdrawal.outcome()]
        change.refresh_from_db()
        wrong = [repr(error) for error in errors(answers)]
        wrong += [] if sum(isinstance(answer, Refused) for answer in answers) == 1 else [f"answered {answers}"]
        raised = _loss() == 900_00
        return wrong + ([] if raised is (change.status == "APPLIED") else [f"{change.status}, and the cap {_loss()}"])

    proves(attempt, locks)


@with_and_without_locks
def test_an_approval_that_waits_for_its_target_sees_what_was_changed_meanwhile(
    locks: bool, proves: Callable[[Attempt, bool], None]
) -> None:
    def attempt() -> list[str]:
        change = _proposed()
        with transaction.atomic():
            locked_policy("WHOLESALE")
            approval = Caller(partial(approvals.approve, change_id=change.pk, actor="pat"))
            until_waiting(approval)
            tightened = changes.submit(**SET, patch={"max_daily_loss": 50}, actor="kim", reason="less")
            assert isinstance(tightened, Applied)
        answer = approval.told()
        wrong = [] if isinstance(answer, Refused) and answer.code == "stale" else [repr(answer)]
        return wrong + ([] if _loss() == 50_00 else [f"the cap is {_loss()}"])

    proves(attempt, locks)


def test_two_tightenings_and_a_proposal_at_once_all_arrive() -> None:
    change = _proposed()
    with transaction.atomic():
        locked_policy("WHOLESALE")
        callers = [
            Caller(partial(changes.submit, **SET, patch=patch, actor="kim", reason="r"))
            for patch in ({"max_daily_loss": 60}, {"max_open_risk": 60}, {"max_daily_exposure": None, "enabled": False})
        ]
        until_waiting(*callers)
    assert errors([caller.outcome() for caller in callers]) == []
    row = RiskPolicy.objects.get(engine="WHOLESALE")
    assert (row.max_daily_loss, row.max_open_risk, row.enabled) == (60_00, 60_00, False)
    answer = approvals.approve(change_id=change.pk, actor="pat")
    assert isinstance(answer, Refused)
