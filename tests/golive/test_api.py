from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from golive import services
from golive.models import GoLiveState
from governance import clock, holds
from governance.models import AuditEvent, ChangeRequest
from riskguard.rules import GLOBAL
from tests.access.factories import caller, stranger
from tests.riskguard.factories import policy

pytestmark = pytest.mark.django_db
BASE = "/api/governance/go-live/"
PROBLEM = "application/problem+json"
TURNS = ["enable", "disable", "kill-switch/engage", "kill-switch/release"]
STATE = {
    "go_live_enabled", "kill_switch_engaged", "changed_by", "reason", "updated_at", "enforced", "environment", "epoch",
    "until",
}  # fmt: skip


def turn(api: APIClient, switch: str, expect: int = 200, **body: Any) -> Any:
    answer = api.post(BASE + switch, {"actor": "ops", "reason": "test", **body})
    assert answer.status_code == expect, answer.content
    return answer.json()


def state(api: APIClient) -> Any:
    return api.get(BASE + "state").json()


def test_the_state_tells_the_switches_and_whether_they_count(api: APIClient, settings: LazySettings) -> None:
    told = state(api)
    assert set(told) == STATE
    assert (told["go_live_enabled"], told["kill_switch_engaged"]) == (False, False)
    assert (told["enforced"], told["environment"]) == (True, "production")
    settings.GOVERNANCE_ENFORCED = False
    assert state(api)["enforced"] is False


def test_each_turn_answers_the_state_that_it_made(api: APIClient) -> None:
    epochs = [state(api)["epoch"]]
    seen = []
    for switch in ("enable", "kill-switch/engage", "disable", "kill-switch/release"):
        with clock.at(dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)):
            told = turn(api, switch)
        assert told == state(api)
        assert (told["changed_by"], told["reason"], told["updated_at"]) == ("ops", "test", "2026-11-24T12:00:00Z")
        epochs.append(told["epoch"])
        seen.append((told["go_live_enabled"], told["kill_switch_engaged"]))
    assert seen == [(True, False), (True, True), (False, True), (False, False)]
    assert epochs == list(range(epochs[0], epochs[0] + 5))


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"actor": "jo", "reason": "why"}', "application/json"),
        ("actor=jo&reason=why", "application/x-www-form-urlencoded"),
        ('{"changed_by": "jo", "reason": "why"}', "application/json"),
        ("changed_by=jo&actor=jo&reason=why", "application/x-www-form-urlencoded"),
    ],
)
def test_json_and_forms_with_and_without_a_slash_are_alike(api: APIClient, body: str, kind: str) -> None:
    slash = "/" if "changed_by" in body else ""  # one body of each kind with it, and one without
    for switch in TURNS:
        answer = api.generic("POST", BASE + switch + slash, body, content_type=kind)
        assert answer.status_code == 200
        assert (answer.json()["changed_by"], answer.json()["reason"]) == ("jo", "why")


@pytest.mark.sqlite
@pytest.mark.parametrize("switch", ["enable", "disable", "kill-switch/engage"])
@pytest.mark.parametrize("body", ["", "{}"])
def test_these_need_nothing(api: APIClient, switch: str, body: str) -> None:
    answer = api.generic("POST", BASE + switch, body, content_type="application/json")
    assert answer.status_code == 200
    assert answer.json()["changed_by"] == "anonymous"


class TestTheChecklist:
    def test_it_passes_on_a_new_site_and_warns_of_the_trial_profile(self, api: APIClient) -> None:
        told = api.get(BASE + "checklist").json()
        assert set(told) == {"ok", "required", "warnings"}
        assert told["ok"] is True
        assert {"backend_complete", "packs_installed", "secret_key", "debug_off"} <= set(told["required"])
        assert all(line["ok"] and line["detail"] for line in told["required"].values())
        assert not told["warnings"]["api_closed"]["ok"]
        assert not told["warnings"]["four_eyes"]["ok"]
        assert told["warnings"]["enforcement_on"]["ok"]

    def test_enabling_answers_412_with_it_while_it_fails(self, api: APIClient) -> None:
        policy(GLOBAL, enabled=False)
        answer = api.post(BASE + "enable", {"actor": "ops"})
        assert (answer.status_code, answer["Content-Type"]) == (412, PROBLEM)
        told = answer.json()
        assert (told["title"], told["status"], told["code"]) == ("Precondition Failed", 412, "checklist_failed")
        assert told["checklist"] == api.get(BASE + "checklist").json()
        assert told["checklist"]["ok"] is False
        assert state(api)["go_live_enabled"] is False

    @pytest.mark.sqlite
    @pytest.mark.parametrize("override", [True, "true", "1"])
    def test_an_override_needs_a_reason(self, api: APIClient, override: Any) -> None:
        policy(GLOBAL, enabled=False)
        told = turn(api, "enable", 412, override=override, reason=" ")
        assert (told["code"], told["checklist"]["ok"]) == ("reason_required", False)
        assert turn(api, "enable", override=override)["go_live_enabled"] is True

    def test_a_refused_attempt_stands_in_the_trail(self, api: APIClient) -> None:
        policy(GLOBAL, enabled=False)
        turn(api, "enable", 412)
        event = AuditEvent.objects.latest("pk")
        assert (event.action, event.outcome, event.actor) == ("go_live.enable", "REFUSED", "ops")
        assert event.after == {"asked": {"override": False}, "refused": "checklist_failed"}


class TestReleasing:
    @pytest.mark.parametrize("reason", [{}, {"reason": ""}, {"reason": "  "}])
    def test_it_needs_a_reason(self, api: APIClient, reason: dict[str, str]) -> None:
        services.engage_kill_switch(actor="ops", reason="drill")
        answer = api.post(BASE + "kill-switch/release", {"actor": "ops", **reason})
        assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
        assert list(answer.json()["errors"]) == ["reason"]
        assert state(api)["kill_switch_engaged"] is True

    def test_it_is_refused_while_a_tripwire_pins_it(self, api: APIClient) -> None:
        services.engage_kill_switch(actor="ops", reason="drill")
        holds.place(
            scope="CAPITAL", source="regression", code="tripwire_triggered", key="CAPITAL.roi_event", reason="roi fell",
            rank=40, pins="kill_switch",
        )  # fmt: skip
        told = turn(api, "kill-switch/release", 409)
        assert told["code"] == "pinned"
        assert "Re-arm the tripwire first" in told["detail"]
        assert state(api)["kill_switch_engaged"] is True


@pytest.mark.sqlite
class TestBadInput:
    @pytest.mark.parametrize("switch", TURNS)
    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"actor": ["a"]}, "actor"),
            ({"actor": "x" * 151}, "actor"),
            ({"actor": "a\0b"}, "actor"),
            ({"actor": ""}, "actor"),
            ({"actor": None}, "actor"),
            ({"actor": "jo", "changed_by": "al"}, "changed_by"),
            ({"reason": "x" * 2001}, "reason"),
            ({"reason": {"a": 1}}, "reason"),
        ],
    )
    def test_it_is_a_400_that_names_the_field_and_turns_nothing(
        self, api: APIClient, switch: str, body: dict[str, Any], field: str
    ) -> None:
        before = GoLiveState.objects.values().get()
        answer = api.post(BASE + switch, {"reason": "test", **body})
        assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)
        assert list(answer.json()["errors"]) == [field]
        assert GoLiveState.objects.values().get() == before

    @pytest.mark.parametrize("override", ["yes please", 1, 0, None, [], "null"])
    def test_an_override_is_true_or_false(self, api: APIClient, override: Any) -> None:
        answer = api.post(BASE + "enable", {"override": override, "reason": "test"})
        assert answer.status_code == 400
        assert list(answer.json()["errors"]) == ["override"]

    @pytest.mark.parametrize("body", ["[]", '"x"', "null", "{", "\0"])
    def test_a_body_that_is_no_object_is_a_400(self, api: APIClient, body: str) -> None:
        for switch in TURNS:
            answer = api.generic("POST", BASE + switch, body, content_type="application/json")
            assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)

    @pytest.mark.parametrize("path", TURNS)
    def test_no_switch_is_turned_by_a_get(self, api: APIClient, path: str) -> None:
        assert api.get(BASE + path).status_code == 405

    @pytest.mark.parametrize("path", ["state", "checklist"])
    def test_what_reads_takes_no_write(self, api: APIClient, path: str) -> None:
        assert api.post(BASE + path).status_code == 405


@pytest.mark.parametrize("path", ["state", *TURNS])
def test_a_missing_row_is_unavailable_and_no_failure(api: APIClient, path: str) -> None:
    GoLiveState.objects.all().delete()
    answer = api.get(BASE + path) if path == "state" else api.post(BASE + path, {"reason": "test"})
    assert (answer.status_code, answer.json()["code"]) == (503, "GOVERNANCE_UNAVAILABLE")
    assert "seed_governance" in answer.json()["detail"]


def test_the_checklist_names_a_missing_row(api: APIClient) -> None:
    GoLiveState.objects.all().delete()
    line = api.get(BASE + "checklist").json()["required"]["backend_complete"]
    assert line == {"ok": False, "detail": "Missing: go_live_state. Run seed_governance."}


@pytest.mark.sqlite
class TestWithTokens:
    @pytest.fixture(autouse=True)
    def _closed(self, settings: LazySettings, db: None) -> None:
        settings.API_AUTH = "token"

    @pytest.mark.parametrize("switch", TURNS)
    @pytest.mark.parametrize("role", ["viewer", "engine", "approver", "auditor"])
    def test_who_may_not_operate_turns_nothing(self, role: str, switch: str) -> None:
        before = GoLiveState.objects.values().get()
        answer = caller(role).post(BASE + switch, {"reason": "test"})
        assert (answer.status_code, answer["Content-Type"]) == (403, PROBLEM)
        assert GoLiveState.objects.values().get() == before

    @pytest.mark.parametrize("path", ["state", "checklist"])
    def test_every_role_reads(self, path: str) -> None:
        for role in ("viewer", "engine", "operator", "approver", "auditor"):
            assert caller(role, name=role).get(BASE + path).status_code == 200
        assert stranger().get(BASE + path).status_code == 401

    def test_an_operator_is_named_by_the_token_and_not_by_the_body(self) -> None:
        told = turn(caller("operator", name="jo"), "kill-switch/engage", actor="someone")
        assert told["changed_by"] == "jo"
        assert AuditEvent.objects.latest("pk").on_behalf_of == "someone"


class TestWithFourEyes:
    @pytest.fixture(autouse=True)
    def _four_eyes(self, settings: LazySettings, db: None) -> None:
        settings.API_AUTH, settings.FOUR_EYES = "token", True

    @pytest.mark.parametrize(("switch", "field"), [("enable", "go_live_enabled"), ("kill-switch/release", None)])
    def test_what_loosens_waits_for_a_second_person(self, switch: str, field: str | None) -> None:
        if field is None:
            services.engage_kill_switch(actor="ops", reason="drill")
        before = GoLiveState.objects.values().get()
        told = turn(caller("operator", name="jo"), switch, 202)
        assert told["pending"] is True
        assert GoLiveState.objects.values().get() == before
        change = ChangeRequest.objects.get()
        assert (change.requested_by, change.status) == ("jo", "PENDING")
        answer = caller("approver", name="al").post(f"/api/governance/changes/{change.pk}/approve", {})
        assert answer.status_code == 200, answer.content
        row = GoLiveState.objects.get()
        assert (row.go_live_enabled, row.kill_switch_engaged) == (field is not None, False)

    @pytest.mark.parametrize("switch", ["disable", "kill-switch/engage"])
    def test_what_tightens_is_done_at_once(self, switch: str) -> None:
        assert turn(caller("operator"), switch)["changed_by"] == "operator-1"
        assert not ChangeRequest.objects.exists()

    def test_a_release_that_became_pinned_is_refused_when_it_is_approved(self) -> None:
        services.engage_kill_switch(actor="ops", reason="drill")
        turn(caller("operator", name="jo"), "kill-switch/release", 202)
        holds.place(scope="X", source="regression", code="t", key="X.y", reason="fell", rank=40, pins="kill_switch")
        change = ChangeRequest.objects.get()
        answer = caller("approver", name="al").post(f"/api/governance/changes/{change.pk}/approve", {})
        assert (answer.status_code, answer.json()["code"]) == (409, "pinned")
        assert GoLiveState.objects.get().kill_switch_engaged is True

    def test_an_approval_checks_the_checklist_anew(self) -> None:
        turn(caller("operator", name="jo"), "enable", 202)
        policy(GLOBAL, enabled=False)
        change = ChangeRequest.objects.get()
        answer = caller("approver", name="al").post(f"/api/governance/changes/{change.pk}/approve", {})
        assert (answer.status_code, answer.json()["code"]) == (412, "checklist_failed")
