from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from django.db.migrations.recorder import MigrationRecorder
from rest_framework.test import APIClient

from governance import readiness
from governance.models import Epoch
from riskguard.services import set_policy
from tests.governance.toys import toy_lever
from tests.levers import withdrawn

pytestmark = pytest.mark.django_db
KEY = "k" * readiness.KEY_LENGTH


def line(name: str) -> tuple[bool, bool, str]:
    """Return whether a line passes, whether it is required, and its words."""
    (check,) = [check for check in readiness.checks() if check.name == name]
    return check.ok, check.required, check.detail


def test_a_new_installation_passes_every_required_line() -> None:
    checklist = readiness.checklist()
    assert checklist["ok"]
    assert {"backend_complete", "packs_installed", "secret_key", "debug_off", "global_risk_policy"} <= set(
        checklist["required"]
    )
    assert {"enforcement_on", "api_closed", "four_eyes"} <= set(checklist["warnings"])
    assert all(told["detail"] for told in {**checklist["required"], **checklist["warnings"]}.values())


def test_a_warning_keeps_production_closed_for_no_one() -> None:
    assert not line("api_closed")[0]
    assert not line("four_eyes")[0]
    assert readiness.checklist()["ok"]


def test_a_migration_that_is_not_applied_is_named() -> None:
    MigrationRecorder.Migration.objects.filter(app="regression", name="0001_initial").delete()
    assert readiness.unapplied_migrations() == ["regression.0001_initial"]
    assert line("backend_complete") == (False, True, "Not migrated: regression.0001_initial. Run migrate.")
    assert not readiness.checklist()["ok"]


def test_a_seed_row_that_is_missing_is_named() -> None:
    Epoch.objects.all().delete()
    assert line("backend_complete") == (False, True, "Missing: epoch. Run seed_governance.")


def test_a_lever_that_has_not_announced_itself_is_named() -> None:
    with withdrawn("regression"):
        assert line("packs_installed") == (False, True, "Not installed: regression. See INSTALLED_APPS.")
    ok, _required, detail = line("packs_installed")
    assert ok
    assert "regression" in detail


def test_a_further_lever_is_asked_and_named_too() -> None:
    with toy_lever():
        assert "toy" in line("packs_installed")[2]


@pytest.mark.sqlite
@pytest.mark.parametrize(("key", "ok"), [(KEY, True), (KEY[1:], False), ("insecure-" + KEY, False), (KEY + "k", True)])
def test_a_secret_key_is_long_and_not_the_one_of_a_bare_checkout(key: str, ok: bool, settings: LazySettings) -> None:
    settings.SECRET_KEY = key
    assert line("secret_key")[:2] == (ok, True)
    assert key not in line("secret_key")[2]


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("name", "setting", "value", "ok", "required"),
    [
        ("debug_off", "DEBUG", True, False, True),
        ("debug_off", "DEBUG", False, True, True),
        ("enforcement_on", "GOVERNANCE_ENFORCED", False, False, False),
        ("enforcement_on", "GOVERNANCE_ENFORCED", True, True, False),
        ("api_closed", "API_AUTH", "open", False, False),
        ("api_closed", "API_AUTH", "token", True, False),
        ("four_eyes", "FOUR_EYES", False, False, False),
        ("four_eyes", "FOUR_EYES", True, True, False),
    ],
)
def test_a_line_follows_its_setting(
    name: str, setting: str, value: Any, ok: bool, required: bool, settings: LazySettings
) -> None:
    setattr(settings, setting, value)
    assert line(name)[:2] == (ok, required)


def test_a_failing_line_of_a_lever_keeps_production_closed(api: APIClient) -> None:
    set_policy(engine="GLOBAL", patch={"enabled": False}, actor="jo", reason="r")
    answer = api.post("/api/governance/go-live/enable", {"actor": "jo"})
    assert answer.status_code == 412
    assert answer.json()["checklist"]["required"]["global_risk_policy"]["ok"] is False
