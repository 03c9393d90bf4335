from __future__ import annotations

import datetime as dt

import pytest
from django.conf import LazySettings
from django.test import Client

from governance import clock
from governance.changes import Pending, submit
from governance.models import AuditEvent, ChangeRequest
from riskguard.models import RiskPolicy
from tests.console.conftest import SignedIn
from tests.riskguard.factories import policy

# What a page says and asks for is the same on every database: such a test runs on one.
pytestmark = pytest.mark.django_db
Status = ChangeRequest.Status


@pytest.fixture
def change(settings: LazySettings) -> ChangeRequest:
    """Return a change that jo has proposed: CAPITAL may lose 900 a day instead of 150."""
    settings.FOUR_EYES = True
    outcome = submit(
        action="risk.policy.set", target="CAPITAL", patch={"max_daily_loss": 900}, actor="jo", reason="fair"
    )
    assert isinstance(outcome, Pending)
    return outcome.change


@pytest.fixture
def approver(signed_in: SignedIn) -> Client:
    return signed_in("approver", name="abe")


def page(browser: Client, change: ChangeRequest) -> str:
    response = browser.get(f"/admin/changes/{change.pk}/")
    assert response.status_code == 200
    return response.content.decode()


def decide(browser: Client, change: ChangeRequest, decision: str, reason: str = "seen") -> str:
    response = browser.post(f"/admin/changes/{change.pk}/", {"decision": decision, "reason": reason}, follow=True)
    assert response.status_code == 200
    change.refresh_from_db()
    return response.content.decode()


def cap() -> int | None:
    return RiskPolicy.objects.get(engine="CAPITAL").max_daily_loss


def test_an_approver_sees_what_it_changes_and_why_and_applies_it(approver: Client, change: ChangeRequest) -> None:
    html = page(approver, change)
    for told in ("150.00 USD", "900.00 USD", "fair", "jo", "Approve and apply", "Reject"):
        assert told in html
    assert "Withdraw" not in html
    assert "approved and applied" in decide(approver, change, "approve")
    assert (change.status, change.decided_by, cap()) == (Status.APPLIED, "abe", 90_000)
    event = AuditEvent.objects.filter(outcome=AuditEvent.Outcome.APPLIED).latest("pk")
    assert (event.actor, event.via, event.change_request) == ("abe", "console", change)
    assert "Decided by" in page(approver, change)


@pytest.mark.sqlite
def test_a_rejection_needs_a_reason_and_changes_nothing(approver: Client, change: ChangeRequest) -> None:
    assert "Say why it is rejected" in decide(approver, change, "reject", " ")
    assert change.status == Status.PENDING
    decide(approver, change, "reject", "too much")
    assert (change.status, change.decision_reason, cap()) == (Status.REJECTED, "too much", 15_000)


@pytest.mark.sqlite
def test_who_proposed_it_may_withdraw_it_and_not_approve_it(signed_in: SignedIn, change: ChangeRequest) -> None:
    browser = signed_in("operator", "approver")
    html = page(browser, change)
    assert "Withdraw" in html
    assert "Approve and apply" not in html
    assert "You may not take this decision" in decide(browser, change, "approve")
    assert cap() == 15_000
    decide(browser, change, "withdraw")
    assert change.status == Status.WITHDRAWN


@pytest.mark.sqlite
@pytest.mark.parametrize("decision", ["approve", "reject", "withdraw", ""])
def test_a_viewer_sees_it_and_decides_nothing(viewer: Client, change: ChangeRequest, decision: str) -> None:
    assert "It waits for a person with the right to approve" in page(viewer, change)
    assert "You may not take this decision" in decide(viewer, change, decision)
    assert change.status == Status.PENDING


@pytest.mark.sqlite
def test_a_target_that_moved_is_told_before_and_refused_after(approver: Client, change: ChangeRequest) -> None:
    policy("CAPITAL", max_daily_loss=100)
    assert "has changed since this was proposed" in page(approver, change)
    assert "Refused" in decide(approver, change, "approve")
    assert (change.status, cap()) == (Status.STALE, 100)


@pytest.mark.sqlite
def test_what_was_not_decided_in_time_can_be_decided_no_more(approver: Client, change: ChangeRequest) -> None:
    with clock.at(change.expires_at - dt.timedelta(seconds=1)):
        assert "Approve and apply" in page(approver, change)
    with clock.at(change.expires_at):
        assert "Approve and apply" not in page(approver, change)
        decide(approver, change, "approve")
    assert (change.status, cap()) == (Status.EXPIRED, 15_000)


@pytest.mark.sqlite
def test_the_inbox_counts_what_waits_and_leads_to_it(approver: Client, change: ChangeRequest) -> None:
    html = approver.get("/admin/").content.decode()
    assert "changerequest/?status__exact=PENDING" in html
    assert f"/admin/changes/{change.pk}/" in html
    led = approver.get(f"/admin/governance/changerequest/{change.pk}/change/")
    assert led["Location"] == f"/admin/changes/{change.pk}/"


@pytest.mark.sqlite
def test_the_glass_is_broken_alone_with_a_reason_and_another_person_looks_at_it(
    signed_in: SignedIn, approver: Client, change: ChangeRequest
) -> None:
    browser = signed_in("operator", "break_glass")
    html = page(browser, change)
    assert "Break the glass" in html
    assert "until another person has looked at it" in html
    assert "answers for it" in decide(browser, change, "break_glass", " ")
    assert (change.status, cap()) == (Status.PENDING, 15_000)
    assert "applied by breaking the glass" in decide(browser, change, "break_glass", "the book is on fire")
    assert (change.status, change.decided_by, cap()) == (Status.FORCED, "jo", 90_000)
    event = AuditEvent.objects.get(outcome=AuditEvent.Outcome.BROKE_GLASS)
    assert (event.actor, event.via, event.reason) == ("jo", "console", "the book is on fire")
    banner = f'<a class="vh-link" href="/admin/changes/{change.pk}/">Look at it.</a>'
    assert banner in browser.get("/admin/").content.decode()
    assert "I have looked at it" not in page(browser, change)
    assert "You may not take this decision" in decide(browser, change, "look")
    assert "I have looked at it" in page(approver, change)
    assert "looked at." in decide(approver, change, "look", "")
    assert (change.looked_at_by, banner in approver.get("/admin/").content.decode()) == ("abe", False)
    html = page(approver, change)
    assert "Looked at by" in html
    assert "I have looked at it" not in html


@pytest.mark.sqlite
@pytest.mark.parametrize("role", ["viewer", "operator", "auditor", "administrator", "approver"])
def test_without_its_own_right_nobody_breaks_the_glass(signed_in: SignedIn, change: ChangeRequest, role: str) -> None:
    browser = signed_in(role, name="kim")
    assert "Break the glass" not in page(browser, change)
    assert "You may not take this decision" in decide(browser, change, "break_glass", "fire")
    assert (change.status, cap()) == (Status.PENDING, 15_000)


@pytest.mark.sqlite
def test_an_unknown_change_is_a_404(approver: Client) -> None:
    assert approver.get("/admin/changes/99/").status_code == 404
