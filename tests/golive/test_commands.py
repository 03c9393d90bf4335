from __future__ import annotations

import io
import json
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command

from golive.models import GoLiveState
from governance.models import AuditEvent, ChangeRequest
from riskguard.rules import GLOBAL
from tests.riskguard.factories import policy

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> Any:
    out = io.StringIO()
    call_command("golive", *arguments, stdout=out)
    return json.loads(out.getvalue())


def refused(*arguments: str) -> tuple[str, int]:
    with pytest.raises(CommandError) as raised:
        run(*arguments)
    return str(raised.value), raised.value.returncode


def test_prints_the_state() -> None:
    told = run("state")
    assert (told["go_live_enabled"], told["kill_switch_engaged"], told["environment"]) == (False, False, "production")
    assert not AuditEvent.objects.filter(via="command").exists()


def test_turns_each_switch_and_prints_what_it_made() -> None:
    assert run("enable", "--actor", "jo")["go_live_enabled"] is True
    assert run("kill", "--actor", "jo", "--reason", "drill")["kill_switch_engaged"] is True
    assert run("release", "--actor", "jo", "--reason", "over")["kill_switch_engaged"] is False
    told = run("disable", "--actor", "jo", "--reason", "maintenance")
    assert (told["go_live_enabled"], told["changed_by"], told["reason"]) == (False, "jo", "maintenance")
    assert set(AuditEvent.objects.filter(actor="jo").values_list("via", flat=True)) == {"command"}


def test_without_a_name_the_shells_user_is_the_actor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "shelly")
    assert run("disable")["changed_by"] == "shelly"


def test_a_failing_checklist_is_exit_status_1_and_an_override_needs_a_reason() -> None:
    policy(GLOBAL, enabled=False)
    said, status = refused("enable", "--actor", "jo")
    assert (said.startswith("Refused (checklist_failed)"), status) == (True, 1)
    said, status = refused("enable", "--actor", "jo", "--override")
    assert (said.startswith("Refused (reason_required)"), status) == (True, 1)
    assert run("enable", "--actor", "jo", "--override", "--reason", "asked")["go_live_enabled"] is True


def test_a_release_without_a_reason_is_exit_status_1() -> None:
    run("kill", "--actor", "jo")
    said, status = refused("release", "--actor", "jo")
    assert ("reason" in said, status) == (True, 1)
    assert GoLiveState.objects.get().kill_switch_engaged is True


def test_what_waits_for_a_second_person_is_exit_status_4(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    said, status = refused("enable", "--actor", "jo", "--reason", "go")
    assert (f"change request {ChangeRequest.objects.get().pk}" in said, status) == (True, 4)
    assert GoLiveState.objects.get().go_live_enabled is False


def test_a_missing_row_says_what_to_run() -> None:
    GoLiveState.objects.all().delete()
    said, status = refused("kill", "--actor", "jo")
    assert ("seed_governance" in said, status) == (True, 1)


def test_an_odd_verb_is_refused() -> None:
    with pytest.raises(CommandError, match="invalid choice"):
        run("explode")
