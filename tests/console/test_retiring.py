"""Policies of every lever are retired through the door, hidden, refused, and brought back switched off."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from governance import changes, holds
from governance.changes import Applied, Pending, Refused
from heimdall import services as heimdall
from heimdall.models import HeimdallPolicy
from regression import services as regression
from regression.models import RegressionPolicy
from riskguard.models import RiskPolicy
from tests.console.asking import listed
from tests.heimdall.factories import earned
from tests.riskguard.factories import go_live

# What a page says and asks for is the same on every database: such a test runs on one.
pytestmark = pytest.mark.django_db
LEVERS = {
    "riskguard/riskpolicy": ("risk.policy.set", "WHOLESALE", "enabled", RiskPolicy, {"engine": "WHOLESALE"}),
    "heimdall/heimdallpolicy": (
        "heimdall.policy.set", "WHOLESALE_OFFER", "prod_use_enabled", HeimdallPolicy, {"domain": "WHOLESALE_OFFER"},
    ),
    "regression/regressionpolicy": (
        "regression.policy.set", "WHOLESALE/contract_rate", "enabled", RegressionPolicy,
        {"domain": "WHOLESALE", "metric": "contract_rate"},
    ),
}  # fmt: skip
by_screen = pytest.mark.parametrize("screen", LEVERS)


def submit(screen: str, **patch: Any) -> Any:
    action, target = LEVERS[screen][:2]
    return changes.submit(action=action, target=target, patch=patch, actor="jo", reason="no longer used")


def standing(screen: str) -> Any:
    return LEVERS[screen][3].objects.get(**LEVERS[screen][4])


def names(browser: Client, screen: str, **query: str) -> list[str]:
    return [str(row) for row in listed(browser, f"/admin/{screen}/", **query)]


@pytest.mark.sqlite
@by_screen
def test_a_retired_policy_is_off_hidden_and_found_by_its_filter(screen: str, viewer: Client) -> None:
    name = str(standing(screen))
    assert name in names(viewer, screen)
    assert isinstance(submit(screen, retired=True), Applied)
    row = standing(screen)
    assert row.retired_at is not None
    assert getattr(row, LEVERS[screen][2]) is False
    assert name not in names(viewer, screen)
    assert names(viewer, screen, retired="yes") == [name]
    assert name in names(viewer, screen, retired="all")


@by_screen
def test_it_is_brought_back_before_it_is_switched_on(screen: str) -> None:
    switch = LEVERS[screen][2]
    submit(screen, retired=True)
    refused = submit(screen, **{switch: True})
    assert isinstance(refused, Refused)
    assert refused.code == "retired"
    assert isinstance(submit(screen, retired=False), Applied)
    assert (standing(screen).retired, getattr(standing(screen), switch)) == (False, False)
    assert isinstance(submit(screen, **{switch: True}), Applied)


@by_screen
def test_bringing_back_waits_for_a_second_person(screen: str, settings: LazySettings) -> None:
    submit(screen, retired=True)
    settings.FOUR_EYES = True
    assert isinstance(submit(screen, retired=False), Pending)
    assert standing(screen).retired


def test_retiring_a_tripwire_that_watches_loosens_and_one_that_does_not_nothing(settings: LazySettings) -> None:
    screen = "regression/regressionpolicy"
    submit(screen, enabled=True)
    settings.FOUR_EYES = True
    assert isinstance(submit(screen, retired=True), Pending)
    assert standing(screen).enabled
    settings.FOUR_EYES = False
    submit(screen, enabled=False)
    settings.FOUR_EYES = True
    assert isinstance(submit(screen, retired=True), Applied)


@pytest.mark.sqlite
@by_screen
def test_the_buttons_are_those_that_make_sense(screen: str, operator: Client) -> None:
    address = f"/admin/{screen}/{standing(screen).pk}/change/"
    html = operator.get(address).content.decode()
    assert "Retire" in html
    assert "Bring back" not in html
    submit(screen, retired=True)
    html = operator.get(address).content.decode()
    assert "Bring back" in html
    assert not re.search(r">\s*Enable( production use)?\s*<", html)


def test_a_retired_domain_authorizes_nothing_and_a_retired_tripwire_watches_nothing() -> None:
    go_live()
    wanted = earned("PRICING")
    heimdall.set_policy(domain="PRICING", patch={"retired": True}, actor="jo", reason="gone")
    assert heimdall.authorize(recommendation_id=wanted.pk, actor="ai").reason == "prod_use_disabled"
    pair = {"domain": "WHOLESALE", "metric": "contract_rate"}
    controls = {"window_events": 5, "baseline_events": 10, "min_events_to_enforce": 5, "enabled": True}
    regression.set_policy(**pair, patch=controls, actor="jo", reason="on")
    regression.set_policy(**pair, patch={"retired": True}, actor="jo", reason="gone")
    for number in range(15):
        regression.record_kpi(**pair, success=number < 10, actor="bot")
    assert "tripwire_triggered" not in [hold.code for hold in holds.standing("WHOLESALE")]
