from __future__ import annotations

import json
from typing import Any

import pytest

from governance import clock, holds, register
from governance.models import Hold
from governance.sections import Period
from riskguard import review, seeds, services
from riskguard.models import RiskPolicy
from riskguard.rules import CAPS, GLOBAL
from tests.riskguard.factories import DAY, NOON, EventFactory, policy, reserve, reserved, settled, uncapped

pytestmark = pytest.mark.usefixtures("live")
WEEK = Period(NOON - 7 * DAY, NOON + DAY)


def test_a_new_installation_has_the_documented_policies() -> None:
    rows = {
        row.engine: (row.max_daily_loss, row.max_daily_exposure, row.max_open_risk, row.enabled)
        for row in RiskPolicy.objects.all()
    }
    assert rows == {
        GLOBAL: (250_00, 1_500_00, 1_500_00, True),
        "WHOLESALE": (200_00, 1_000_00, 1_000_00, True),
        "CAPITAL": (150_00, 750_00, 750_00, True),
        "NOTIFY": (0, 0, 0, False),
    }
    others = set(
        RiskPolicy.objects.values_list("max_amount_per_action", "max_actions_per_day", "max_actions_per_minute")
    )
    assert others == {(None, None, None)}
    assert [hold.scope for hold in Hold.objects.filter(source="riskguard")] == ["NOTIFY"]


def test_the_migration_and_the_restored_seeds_agree() -> None:
    for engine, controls in seeds.POLICIES.items():
        row = RiskPolicy.objects.get(engine=engine)
        assert {name: getattr(row, name) for name in (*CAPS, "enabled")} == controls


def test_a_missing_policy_is_put_back_and_edited_ones_are_left_alone() -> None:
    RiskPolicy.objects.filter(engine__in=["CAPITAL", "NOTIFY"]).delete()
    Hold.objects.all().delete()
    policy("WHOLESALE", max_daily_loss=7)
    assert seeds.missing() == ["risk_policy CAPITAL", "risk_policy NOTIFY"]
    assert seeds.restore(actor="ops", reset=False) == ["risk_policy CAPITAL", "risk_policy NOTIFY"]
    assert seeds.missing() == []
    assert RiskPolicy.objects.get(engine="WHOLESALE").max_daily_loss == 7
    assert RiskPolicy.objects.get(engine="CAPITAL").max_open_risk == 750_00
    assert Hold.objects.filter(scope="NOTIFY", code="policy_disabled").exists()
    assert seeds.restore(actor="ops", reset=False) == []


def test_a_reset_sets_edited_policies_back() -> None:
    policy("WHOLESALE", max_daily_loss=7)
    assert seeds.restore(actor="ops", reset=True) == ["risk_policy WHOLESALE"]
    assert seeds.restore(actor="ops", reset=True) == []
    assert RiskPolicy.objects.get(engine="WHOLESALE").max_daily_loss == 200_00


@pytest.mark.parametrize("state", ["enabled", "disabled", "missing"])
def test_the_checklist_asks_for_an_enabled_global_policy(state: str) -> None:
    if state == "disabled":
        policy(GLOBAL, enabled=False)
    elif state == "missing":
        RiskPolicy.objects.filter(engine=GLOBAL).delete()
    (check,) = review.checks()
    assert (check.name, check.ok, check.required) == ("global_risk_policy", state == "enabled", True)
    assert check.detail


def test_the_lever_has_announced_itself() -> None:
    lever = next(lever for lever in register.levers() if lever.name == "riskguard")
    assert [action.name for action in lever.actions] == ["risk.policy.set"]


def _section() -> Any:
    return review.section(WEEK)


def test_the_review_shows_the_ledger_against_its_caps_and_refusals_by_reason() -> None:
    reserved("WHOLESALE", 100_00)
    for _ in range(2):
        reserve("UNKNOWN", 1)
    reserve("WHOLESALE", 10**9)
    EventFactory(at=NOON - 9 * DAY, reason="busy")
    section = _section()
    assert section.name == "risk"
    assert [row["engine"] for row in section.data["ledger"]] == [GLOBAL, "CAPITAL", "NOTIFY", "WHOLESALE"]
    assert section.data["refusals"] == {"policy_missing": 2, "would_exceed_policy": 1}
    assert section.data["refusals_before"] == {"busy": 1}
    caps, refusals = section.tables
    assert caps.rows[3] == ["WHOLESALE", "enabled", "100.00 USD of 1,000.00 USD", "100.00 USD of 1,000.00 USD",
                            "0.00 USD of 200.00 USD", "1"]  # fmt: skip
    assert caps.rows[2][1] == "DISABLED"
    assert refusals.rows == [["policy_missing", "2", "0"], ["would_exceed_policy", "1", "0"], ["busy", "0", "1"]]
    assert section.alarms == []
    json.dumps(section.data, default=str)


def test_no_cap_reads_as_no_cap() -> None:
    uncapped("WHOLESALE")
    assert _section().tables[0].rows[3][2] == "0.00 USD of no cap"
    assert _section().alarms == []


@pytest.mark.parametrize(("amount", "close"), [(799, False), (800, True), (801, True), (1_000, True)])
def test_four_fifths_of_a_cap_is_an_alarm(amount: int, close: bool) -> None:
    uncapped("WHOLESALE")
    policy("WHOLESALE", max_daily_exposure=1_000)
    settled(amount=amount)
    assert _section().alarms == (["WHOLESALE is close to its cap or over it"] if close else [])
    policy("WHOLESALE", max_daily_exposure=1_000, enabled=False)
    assert _section().alarms == []


def test_what_expired_unresolved_is_an_alarm() -> None:
    reserved("WHOLESALE", 1)
    with clock.at(NOON + DAY):
        services.expire_some()
    section = _section()
    assert section.data["expired_to_review"] == 1
    assert section.alarms == ["1 reservation(s) expired unresolved"]


def test_a_reset_enables_nothing_that_a_tripwire_pins() -> None:
    holds.place(scope="WHOLESALE", source="x", code="tripped", reason="drop", rank=40, pins="risk_policy:WHOLESALE")
    policy("WHOLESALE", enabled=False)
    assert seeds.restore(actor="ops", reset=True) == []
    assert not RiskPolicy.objects.get(engine="WHOLESALE").enabled
