from __future__ import annotations

from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from governance import clock, holds
from governance.models import AuditEvent, ChangeRequest, Hold
from riskguard import policies, services
from riskguard.models import RiskPolicy
from riskguard.rules import CAPS, GLOBAL
from tests.riskguard.asking import RISK, ask, is_refused_as_malformed, raw
from tests.riskguard.factories import DAY, NOON, policy, uncapped
from tests.tables import tables

pytestmark = pytest.mark.usefixtures("live")


@pytest.fixture(autouse=True)
def _no_caps(live: None) -> None:
    uncapped("WHOLESALE", "CAPITAL")


def upsert(api: APIClient, **body: Any) -> Any:
    return api.post(RISK + "policies/upsert", {"actor": "ops", "reason": "because", **body})


def test_an_upsert_changes_the_fields_that_it_names_and_no_others(api: APIClient) -> None:
    policy("WHOLESALE", max_daily_loss=5, max_open_risk=6)
    answer = upsert(api, engine=" wholesale ", max_daily_loss=12.34)
    assert answer.status_code == 200
    row = RiskPolicy.objects.get(engine="WHOLESALE")
    assert (row.max_daily_loss, row.max_open_risk, row.enabled, row.changed_by) == (1_234, 6, True, "ops")
    assert (answer.json()["max_daily_loss"], answer.json()["reason"]) == (12.34, "because")
    audit = AuditEvent.objects.first()
    assert audit is not None
    assert (audit.action, audit.target, audit.outcome, audit.via) == ("risk.policy.set", "WHOLESALE", "APPLIED", "api")
    assert (audit.before["max_daily_loss"], audit.after["max_daily_loss"]) == ("0.05", "12.34")


def test_a_new_policy_allows_nothing_and_is_disabled(api: APIClient) -> None:
    told = upsert(api, engine="NEW", max_open_risk=None).json()
    assert (told["enabled"], told["max_open_risk"], told["max_daily_loss"], told["max_actions_per_day"]) == (
        False, None, 0, 0,
    )  # fmt: skip
    assert Hold.objects.filter(scope="NEW", code="policy_disabled").exists()
    assert upsert(api, engine="NEW", enabled=True).json()["enabled"]
    assert not Hold.objects.filter(scope="NEW").exists()


@pytest.mark.parametrize("scope", ["WHOLESALE", GLOBAL])
def test_a_disabled_policy_is_a_hold_until_it_is_enabled(scope: str, api: APIClient) -> None:
    upsert(api, engine=scope, enabled=False)
    hold = Hold.objects.get(source="riskguard", scope="*" if scope == GLOBAL else scope)
    assert (hold.code, hold.reason) == ("policy_disabled", "because")
    assert ask(api)["reason"] == "policy_disabled"
    assert ask(api, engine="CAPITAL")["ok"] is (scope != GLOBAL)
    upsert(api, engine=scope, enabled=True)
    assert ask(api)["ok"]


@pytest.mark.sqlite  # what is malformed never reaches the database
@pytest.mark.parametrize("cap", CAPS)
def test_a_bad_cap_is_a_400_that_names_the_field_and_changes_nothing(cap: str, api: APIClient) -> None:
    before = tables()
    for value in ("-1", "true", '"x"', "NaN", "1e400", "12.345", "10000000000000.01", "[]", '""'):
        answer = raw(api, "policies/upsert", f'{{"engine": "WHOLESALE", "actor": "a", "{cap}": {value}}}')
        is_refused_as_malformed(answer, cap)
    assert tables() == before


def test_a_field_that_is_none_is_a_400(api: APIClient) -> None:
    before = tables()
    is_refused_as_malformed(upsert(api, engine="WHOLESALE", max_dayly_loss=5), "max_dayly_loss")
    assert tables() == before


def test_a_pinned_policy_cannot_be_enabled_and_the_answer_says_why(api: APIClient) -> None:
    services.throttle(engine="WHOLESALE", actor="tripwire", reason="drop=0.221")
    holds.place(
        scope="WHOLESALE", source="regression", code="tripwire_triggered", key="WHOLESALE.contract_rate", rank=40,
        reason="drop=0.221", pins=policies.pin_of("WHOLESALE"),
    )  # fmt: skip
    before = tables(without=(AuditEvent,))
    answer = upsert(api, engine="WHOLESALE", enabled=True, max_daily_loss=1)
    told = answer.json()
    assert (answer.status_code, told["code"]) == (409, "pinned")
    assert told["detail"] == (
        "WHOLESALE stays disabled: drop=0.221 (WHOLESALE.contract_rate). Re-arm the tripwire first."
    )
    assert tables(without=(AuditEvent,)) == before
    assert AuditEvent.objects.first().outcome == "REFUSED"  # type: ignore[union-attr]
    assert upsert(api, engine="WHOLESALE", max_daily_loss=1).status_code == 200
    assert upsert(api, engine="WHOLESALE", enabled=False).status_code == 200
    assert upsert(api, engine="CAPITAL", enabled=True).status_code == 200
    holds.lift(scope="WHOLESALE", source="regression", code="tripwire_triggered", key="WHOLESALE.contract_rate")
    assert upsert(api, engine="WHOLESALE", enabled=True).json()["enabled"]


def test_a_throttle_disables_an_engine_and_creates_one_disabled_where_there_is_none() -> None:
    with clock.at(NOON + DAY):
        for engine in ("WHOLESALE", "FRESH"):
            row = services.throttle(engine=engine, actor="tripwire", reason="drop=0.221")
            assert (row.enabled, row.reason, row.changed_by) == (False, "drop=0.221", "tripwire")
            assert row.updated_at == NOON + DAY
            hold = Hold.objects.get(scope=engine)
            assert (hold.source, hold.code, hold.reason) == ("riskguard", "policy_disabled", "drop=0.221")
    assert RiskPolicy.objects.get(engine="FRESH").max_daily_exposure == 0
    audit = AuditEvent.objects.filter(target="FRESH").get()
    assert (audit.before, audit.after["enabled"], audit.reason) == (None, False, "drop=0.221")


def test_under_four_eyes_what_tightens_is_applied_and_the_rest_waits(settings: LazySettings, api: APIClient) -> None:
    policy("WHOLESALE", max_daily_loss=5_000, max_open_risk=5_000)
    settings.FOUR_EYES = True
    answer = upsert(api, engine="WHOLESALE", max_daily_loss=40, max_open_risk=60, max_daily_exposure=70)
    told = answer.json()
    assert (answer.status_code, told["pending"]) == (202, True)
    row = RiskPolicy.objects.get(engine="WHOLESALE")
    assert (row.max_daily_loss, row.max_open_risk, row.max_daily_exposure) == (4_000, 5_000, 7_000)
    change = ChangeRequest.objects.get(pk=told["change"]["id"])
    assert change.patch == {"max_open_risk": 60}
    assert told["applied"]["max_daily_loss"] == 40
    assert upsert(api, engine="WHOLESALE", enabled=False).status_code == 200
    assert upsert(api, engine="WHOLESALE", enabled=True).status_code == 202
    assert not RiskPolicy.objects.get(engine="WHOLESALE").enabled
