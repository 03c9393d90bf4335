"""No way in loosens a control without two people, and what tightens waits for nobody."""

from __future__ import annotations

import datetime as dt
import io
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models import F

from access import services as access
from golive import services as golive
from governance import approvals, changes, clock, grants, holds, review
from governance.errors import Unapproved
from governance.models import AuditEvent, ChangeRequest
from governance.sections import Period
from heimdall import services as heimdall
from regression import services as regression
from riskguard import services as riskguard
from riskguard.models import RiskPolicy
from tests.access.factories import UserFactory, bearing, caller, secret_of
from tests.tables import tables

pytestmark = pytest.mark.usefixtures("four_eyes")
CHANGES = "/api/governance/changes/"


def proposed(cap: int = 900) -> ChangeRequest:
    outcome = changes.submit(
        action="risk.policy.set", target="WHOLESALE", patch={"max_daily_loss": cap}, actor="jo", reason="more room"
    )
    assert isinstance(outcome, changes.Pending)
    return outcome.change


def broken_glass(period: Period | None = None) -> list[dict[str, Any]]:
    told: list[dict[str, Any]] = review.control_plane(period or review.last_week())["sections"]["governance"][
        "broken_glass"
    ]
    return told


def cap() -> int | None:
    return RiskPolicy.objects.get(engine="WHOLESALE").max_daily_loss


LOOSENING: dict[str, Any] = {
    "enable go-live": lambda: golive.enable(actor="x", reason="r", override=True),
    "release the kill switch": lambda: golive.release_kill_switch(actor="x", reason="r"),
    "raise a cap": lambda: riskguard.set_policy(engine="WHOLESALE", patch={"max_daily_loss": 10**6}, actor="x"),
    "lift a cap": lambda: riskguard.set_policy(engine="WHOLESALE", patch={"max_open_risk": None}, actor="x"),
    "enable a policy": lambda: riskguard.set_policy(engine="NOTIFY", patch={"enabled": True}, actor="x"),
    "a new policy": lambda: riskguard.set_policy(engine="NEW", patch={"max_open_risk": 1}, actor="x"),
    "lower a threshold": lambda: heimdall.set_policy(
        domain="BUYER_MATCH", patch={"min_confidence_prod": Decimal("0.1")}, actor="x"
    ),
    "enable production use": lambda: heimdall.set_policy(
        domain="BUYER_MATCH", patch={"prod_use_enabled": True}, actor="x"
    ),
    "change the evidence": lambda: heimdall.set_policy(domain="BUYER_MATCH", patch={"evidence_days": 2}, actor="x"),
    "weaken a tripwire": lambda: regression.set_policy(
        domain="CAPITAL", metric="roi_event", patch={"max_drop_fraction": Decimal("0.9")}, actor="x"
    ),
    "a milder action": lambda: regression.set_policy(
        domain="CAPITAL", metric="roi_event", patch={"action": "THROTTLE"}, actor="x"
    ),
    "give a role": lambda: access.set_account(username="vic", patch={"approver": True}, actor="x"),
    "a superuser": lambda: access.set_account(username="vic", patch={"superuser": True}, actor="x"),
    "lift a hold": lambda: holds.lift(scope="*", source="golive", code="go_live_disabled"),
}


@pytest.mark.sqlite
@pytest.mark.parametrize("name", LOOSENING)
def test_a_service_that_is_called_past_the_door_loosens_nothing(name: str) -> None:
    UserFactory.create(username="vic", roles=["viewer"])
    before = tables()
    with pytest.raises(Unapproved, match="needs a second person"):
        LOOSENING[name]()
    assert tables() == before
    with grants.given():
        LOOSENING[name]()
    assert tables() != before


def test_stops_and_everything_that_tightens_wait_for_nobody() -> None:
    UserFactory.create(username="vic", roles=["viewer"])
    golive.engage_kill_switch(actor="x")
    golive.disable(actor="x")
    riskguard.throttle(engine="WHOLESALE", actor="x", reason="r")
    riskguard.set_policy(engine="CAPITAL", patch={"max_daily_loss": 0, "enabled": False}, actor="x")
    heimdall.set_policy(domain="BUYER_MATCH", patch={"min_sandbox_trials": 10_000}, actor="x")
    regression.set_policy(domain="CAPITAL", metric="roi_event", patch={"enabled": True}, actor="x")
    access.set_account(username="vic", patch={"viewer": False, "active": False}, actor="x")
    assert not ChangeRequest.objects.exists()


def test_nobody_approves_alone_whoever_they_are() -> None:
    change = proposed()
    UserFactory.create(username="jo", roles=["operator", "approver"])
    UserFactory.create(username="op", roles=["operator"])
    UserFactory.create(username="gone", roles=["approver"], is_active=False)
    codes = []
    for actor in ("jo", "op", "gone", "nobody"):
        refusal = approvals.approve(change_id=change.pk, actor=actor)
        assert isinstance(refusal, changes.Refused)
        codes.append(refusal.code)
    assert codes == ["own_change", "no_approver", "no_approver", "no_approver"]
    change.refresh_from_db()
    assert (change.status, cap()) == ("PENDING", 200_00)
    attempts = AuditEvent.objects.filter(outcome="REFUSED", change_request=change).order_by("pk")
    assert list(attempts.values_list("actor", flat=True)) == ["jo", "op", "gone", "nobody"]


SOON = dt.timedelta(minutes=1)


@pytest.mark.parametrize(
    "edit",
    [
        {"patch": {"max_daily_loss": 5_000}},
        {"target": "CAPITAL"},
        {"action": "heimdall.policy.set"},
        {"before": {}},
        {"requested_by": "sam"},
        {"reason": "other"},
        {"expires_at": F("expires_at") + SOON},
        {"expires_at": F("expires_at") - dt.timedelta(days=30)},
    ],
    ids=str,
)
def test_an_approval_after_an_edit_of_the_request_is_refused(edit: dict[str, Any]) -> None:
    change = proposed()
    UserFactory.create(username="pat", roles=["approver"])
    ChangeRequest.objects.update(**edit)
    refusal = approvals.approve(change_id=change.pk, actor="pat")
    assert isinstance(refusal, changes.Refused)
    assert (refusal.code, cap()) == ("edited", 200_00)
    change.refresh_from_db()
    assert change.status == "REFUSED"


@pytest.mark.parametrize("end", ["reject", "withdraw", "expire", "refuse"])
def test_a_request_that_has_ended_is_not_brought_back_by_an_edit(end: str) -> None:
    change = proposed()
    UserFactory.create(username="pat", roles=["approver"])
    if end == "expire":
        with clock.at(change.expires_at):
            approvals.approve(change_id=change.pk, actor="pat")
    elif end == "refuse":
        riskguard.set_policy(engine="WHOLESALE", patch={"max_open_risk": 1}, actor="kim")
        approvals.approve(change_id=change.pk, actor="pat")
    else:
        getattr(approvals, end)(change_id=change.pk, actor="jo")
    ChangeRequest.objects.update(status="PENDING", decided_at=None, decided_by="", decision_reason="")
    refusal = approvals.approve(change_id=change.pk, actor="pat")
    assert isinstance(refusal, changes.Refused)
    assert (refusal.code, cap()) == ("edited", 200_00)


def test_an_attempt_that_is_refused_ends_nothing() -> None:
    change = proposed()
    UserFactory.create(username="pat", roles=["approver"])
    for attempt in (approvals.approve, approvals.withdraw):
        attempt(change_id=change.pk, actor="sam")
    assert isinstance(approvals.approve(change_id=change.pk, actor="pat"), changes.Applied)


def test_a_change_dies_after_the_time_that_settings_give_it(settings: Any) -> None:
    settings.FOUR_EYES_TTL_HOURS = 5
    change = proposed()
    assert (change.expires_at - change.requested_at).total_seconds() == 5 * 3600


def test_glass_is_broken_alone_with_its_own_right_and_a_reason_and_shouts() -> None:
    change = proposed()
    jo = bearing(secret_of(UserFactory.create(username="jo", roles=["operator", "break_glass"])))
    path = f"{CHANGES}{change.pk}/break-glass"
    assert caller("approver", name="pat").post(path, {"reason": "r"}).status_code == 403
    assert jo.post(path, {"reason": " "}).status_code == 400
    assert cap() == 200_00
    told = jo.post(path, {"reason": "the book is on fire"}).json()
    assert (told["status"], told["decided_by"], cap()) == ("FORCED", "jo", 900_00)
    event = AuditEvent.objects.get(outcome="BROKE_GLASS")
    assert (event.actor, event.reason, event.change_request_id) == ("jo", "the book is on fire", change.pk)
    said = review.control_plane(review.last_week())["alarms"]
    assert any("the glass was broken" in alarm and "by jo" in alarm for alarm in said)
    (incident,) = broken_glass()
    assert (incident["id"], incident["broken_by"], incident["looked_at"]) == (change.pk, "jo", None)
    pat = bearing(secret_of(User.objects.get(username="pat")))
    assert jo.post(f"{CHANGES}{change.pk}/look", {}).status_code == 403
    assert pat.post(f"{CHANGES}{change.pk}/look", {"reason": "seen"}).json()["looked_at_by"] == "pat"
    assert not any("glass" in alarm for alarm in review.control_plane(review.last_week())["alarms"])
    (incident,) = broken_glass()
    assert incident["looked_at_by"] == "pat"
    assert pat.post(f"{CHANGES}{change.pk}/look", {}).status_code == 409


@pytest.mark.sqlite
def test_an_old_broken_glass_stays_in_the_review_until_it_is_looked_at() -> None:
    change = proposed()
    UserFactory.create(username="ida", is_superuser=True)
    approvals.break_glass(change_id=change.pk, actor="ida", reason="fire")
    later = Period(clock.now() + dt.timedelta(days=7), clock.now() + dt.timedelta(days=14))
    assert [incident["id"] for incident in broken_glass(later)] == [change.pk]
    approvals.look_at_broken_glass(change_id=change.pk, actor="pat")
    assert broken_glass(later) == []


def test_who_broke_the_glass_does_not_look_at_it() -> None:
    change = proposed()
    UserFactory.create(username="ida", is_superuser=True)
    approvals.break_glass(change_id=change.pk, actor="ida", reason="fire")
    for actor in ("ida", "jo"):
        refusal = approvals.look_at_broken_glass(change_id=change.pk, actor=actor)
        assert isinstance(refusal, changes.Refused)
        assert refusal.code == "own_change"


@pytest.mark.sqlite
def test_a_broken_glass_stands_on_every_page_of_the_console(client: Any) -> None:
    change = proposed()
    user = UserFactory.create(username="ida", is_superuser=True, is_staff=True)
    client.force_login(user)
    assert b"glass was broken" not in client.get("/admin/").content
    approvals.break_glass(change_id=change.pk, actor="ida", reason="fire")
    for page in ("/admin/", "/admin/riskguard/riskpolicy/"):
        assert b"The glass was broken: #" in client.get(page).content
    assert b"Incidents: the glass was broken" in client.get("/admin/").content
    approvals.look_at_broken_glass(change_id=change.pk, actor="pat")
    assert b"glass was broken" not in client.get("/admin/").content


def test_a_reset_of_the_seeds_tightens_at_once_and_waits_with_the_rest() -> None:
    RiskPolicy.objects.filter(engine="WHOLESALE").update(max_daily_loss=1, max_open_risk=10**6)
    printed = io.StringIO()
    call_command("seed_governance", "--reset", "--yes", "--actor", "jo", stdout=printed)
    row = RiskPolicy.objects.get(engine="WHOLESALE")
    assert (row.max_daily_loss, row.max_open_risk) == (1, 1_000_00)
    change = ChangeRequest.objects.get()
    assert (change.patch, change.requested_by) == ({"max_daily_loss": 200}, "jo")
    assert f"waits for a second person: change request {change.pk}" in printed.getvalue()
    call_command("seed_governance", "--reset", "--yes", "--actor", "jo", stdout=io.StringIO())
    assert ChangeRequest.objects.count() == 1


@pytest.mark.parametrize("role", ["operator", "approver", "administrator", "break_glass"])
def test_a_token_of_who_could_be_the_second_person_works_only_once_it_is_approved(role: str) -> None:
    UserFactory.create(username="vic", roles=[role])
    UserFactory.create(username="pat", roles=["approver"])
    printed = io.StringIO()
    with pytest.raises(CommandError, match="Waits for a second person") as waits:
        call_command("issue_token", "vic", "--actor", "jo", "--reason", "new", stdout=printed)
    assert waits.value.returncode == 4
    api = bearing(printed.getvalue().strip())
    assert api.get("/api/governance/holds").status_code == 401
    assert isinstance(approvals.approve(change_id=ChangeRequest.objects.get().pk, actor="pat"), changes.Applied)
    assert api.get("/api/governance/holds").status_code == 200


@pytest.mark.parametrize("role", ["engine", "viewer", "auditor"])
def test_a_token_that_loosens_nothing_works_at_once(role: str) -> None:
    UserFactory.create(username="bot", roles=[role])
    printed = io.StringIO()
    call_command("issue_token", "bot", "--engine", "WHOLESALE", stdout=printed, stderr=io.StringIO())
    assert bearing(printed.getvalue().strip()).get("/api/governance/holds").status_code == 200


def test_a_role_is_given_by_two_and_taken_by_one() -> None:
    UserFactory.create(username="vic", roles=["viewer"])
    UserFactory.create(username="pat", roles=["approver"])
    with pytest.raises(CommandError, match="Waits"):
        call_command("set_account", "vic", "--give", "approver", "--take", "viewer", "--actor", "jo", "--reason", "r")
    held = User.objects.get(username="vic").groups.values_list("name", flat=True)
    assert list(held) == []
    assert isinstance(approvals.approve(change_id=ChangeRequest.objects.get().pk, actor="pat"), changes.Applied)
    assert list(held.all()) == ["approver"]
