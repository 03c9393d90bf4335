from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.test import Client

from governance import changes, clock, holds
from governance.changes import Applied, Pending, Refused
from governance.errors import Invalid, Unapproved
from governance.models import AuditEvent, Hold
from riskguard import backends, policies, rules, selectors, services
from riskguard.decisions import Order
from riskguard.models import RiskPolicy
from riskguard.panel import panel
from riskguard.rules import CAPS, GLOBAL
from tests.riskguard.factories import DAY, HOUR, NOON, SECOND, go_live, reserve, uncapped

pytestmark = pytest.mark.django_db
SIX = NOON + 6 * HOUR


def change(engine: str = "WHOLESALE", **patch: Any) -> Any:
    return services.set_policy(engine=engine, patch=patch, actor="ops", reason="the fair")


def standing(engine: str = "WHOLESALE") -> RiskPolicy:
    return RiskPolicy.objects.get(engine=engine)


@pytest.fixture(autouse=True)
def _live(live: None) -> None:
    """Let production run, at noon."""
    with clock.at(NOON):
        uncapped("WHOLESALE")
        change(max_daily_exposure=1_000)


def test_what_is_loosened_until_a_time_goes_back_at_it_and_not_a_second_before() -> None:
    with clock.at(NOON):
        change(max_daily_exposure=5_000, until=SIX)
        assert reserve(amount=3_000).ok
    with clock.at(SIX - SECOND):
        assert reserve(amount=500).ok
        assert policies.end_overrides() == []
    with clock.at(SIX):
        ruling = reserve(amount=500)
        assert (ruling.reason, ruling.denial and ruling.denial.limit) == ("would_exceed_policy", 1_000)
    row = standing()
    assert (row.max_daily_exposure, row.until, row.fallback) == (1_000, None, {})
    assert not Hold.objects.filter(code=rules.OVERRIDE_ENDED).exists()


def test_no_backend_grants_after_the_end_though_nobody_has_ended_it() -> None:
    with clock.at(NOON):
        change(enabled=False)
        change(enabled=True, until=SIX)
    with clock.at(SIX):
        order = Order(engine="WHOLESALE", amount=1, actor="bot")
        assert [ruling.reason for ruling in backends.decide([order])] == [rules.OVERRIDE_ENDED]
        # The gate and Heimdall ask the holds, and know no policy.
        assert [hold.code for hold in holds.standing("WHOLESALE")] == [rules.OVERRIDE_ENDED]
        assert reserve(amount=1).reason == "policy_disabled"
    assert not standing().enabled


def test_of_a_batch_what_meets_the_end_is_decided_anew_and_the_rest_is_not() -> None:
    uncapped("CAPITAL")
    with clock.at(NOON):
        change(max_daily_exposure=5_000, until=SIX)
    with clock.at(SIX):
        asked = [Order(engine=name, amount=10, actor="bot") for name in ("CAPITAL", "WHOLESALE", "CAPITAL")]
        assert [ruling.reason for ruling in services.reserve_many(orders=asked)] == ["reserved"] * 3
    assert standing().max_daily_exposure == 1_000


def test_the_end_of_a_global_override_holds_everything_until_it_is_ended() -> None:
    with clock.at(NOON):
        change(GLOBAL, max_daily_exposure=100)
        change(GLOBAL, max_daily_exposure=900, until=SIX)
    with clock.at(SIX):
        assert [hold.code for hold in holds.standing("ANY")] == [rules.OVERRIDE_ENDED]
        ruling = reserve(amount=500)
    assert (ruling.reason, ruling.denial and ruling.denial.policy) == ("would_exceed_policy", GLOBAL)


def test_a_throttle_with_an_end_stays_one_and_a_person_is_asked(live: None) -> None:
    with clock.at(NOON):
        change(enabled=False, until=SIX)
    with clock.at(SIX - SECOND):
        assert not any("to be looked at" in alarm.said for alarm in panel().alarms)
    with clock.at(SIX):
        assert policies.end_overrides() == []
        assert reserve(amount=1).reason == "policy_disabled"
        assert any("WHOLESALE's throttle was to be looked at" in alarm.said for alarm in panel().alarms)
        change(enabled=True)
        assert standing().until is None


def test_of_a_change_that_does_both_what_tightened_stays() -> None:
    with clock.at(NOON):
        change(max_daily_exposure=5_000, max_open_risk=700, until=SIX)
        assert standing().fallback == {"max_daily_exposure": 1_000}
    with clock.at(SIX):
        assert policies.end_overrides() == ["WHOLESALE"]
    assert (standing().max_daily_exposure, standing().max_open_risk) == (1_000, 700)


def test_later_changes_do_not_slip_out_of_an_end() -> None:
    with clock.at(NOON):
        change(max_daily_exposure=5_000, until=SIX)
        change(max_daily_exposure=3_000)
        assert standing().fallback == {"max_daily_exposure": 1_000}
        change(max_daily_exposure=8_000, until=SIX + HOUR)
        assert (standing().fallback, standing().until) == ({"max_daily_exposure": 1_000}, SIX + HOUR)
        change(max_daily_exposure=900)
        assert (standing().fallback, standing().until) == ({}, None)
    with clock.at(SIX + DAY):
        assert policies.end_overrides() == []
    assert standing().max_daily_exposure == 900


def test_an_end_that_is_taken_away_leaves_what_it_would_have_ended() -> None:
    with clock.at(NOON):
        change(max_daily_exposure=5_000, until=SIX)
        change(until=None)
    with clock.at(SIX):
        assert policies.end_overrides() == []
        assert reserve(amount=4_000).ok


@pytest.mark.parametrize(
    ("patch", "looser"),
    [
        ({"max_daily_exposure": 5_000, "until": SIX}, {"max_daily_exposure", "until"}),
        ({"enabled": False, "until": SIX}, set()),
        ({"max_daily_loss": 1, "until": SIX}, set()),
    ],
)
def test_an_end_is_one_with_what_it_ends(patch: dict[str, Any], looser: set[str]) -> None:
    assert rules.loosens(standing().standing(patch), patch) == looser


@pytest.mark.parametrize(("until", "looser"), [(SIX - HOUR, set()), (SIX + HOUR, {"until"}), (None, {"until"})])
def test_an_end_may_come_sooner_but_is_not_put_off_by_one_alone(until: dt.datetime | None, looser: set[str]) -> None:
    with clock.at(NOON):
        change(max_daily_exposure=5_000, until=SIX)
    assert rules.loosens(standing().standing({"until": until}), {"until": until}) == looser


def test_with_four_eyes_the_raise_waits_with_its_end_and_goes_back_with_nobody(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    patch = {"max_daily_exposure": "50.00", "max_open_risk": "7.00", "until": SIX.isoformat()}
    with clock.at(NOON):
        outcome = changes.submit(
            action=policies.SET_POLICY, target="WHOLESALE", patch=patch, actor="jo", reason="the fair"
        )
        assert isinstance(outcome, Pending)
        assert outcome.change.patch.keys() == {"max_daily_exposure", "until"}
        assert (standing().max_daily_exposure, standing().max_open_risk) == (1_000, 700)
        with pytest.raises(Unapproved):
            change(max_daily_exposure=5_000, until=SIX)
    settings.FOUR_EYES = False
    with clock.at(NOON):
        change(max_daily_exposure=5_000, until=SIX)
    settings.FOUR_EYES = True
    with clock.at(SIX):
        assert policies.end_overrides() == ["WHOLESALE"]
    event = AuditEvent.objects.latest("pk")
    assert (event.actor, event.reason) == ("end_overrides", "What was loosened until 2026-11-24 18:00 UTC is over.")
    assert event.before is not None
    assert event.before["falls_back_to"] == {"max_daily_exposure": 10}
    assert event.after is not None
    assert event.after["max_daily_exposure"] == 10


def test_a_change_after_the_end_is_judged_by_what_it_has_gone_back_to(settings: LazySettings) -> None:
    with clock.at(NOON):
        change(max_daily_exposure=5_000, until=SIX)
    settings.FOUR_EYES = True
    with clock.at(SIX):
        outcome = changes.submit(
            action=policies.SET_POLICY, target="WHOLESALE", patch={"max_daily_exposure": 30}, actor="jo", reason="x"
        )
    assert isinstance(outcome, Pending)
    assert standing().max_daily_exposure == 1_000


@pytest.mark.parametrize("until", ["2026-11-24T11:59:00Z", "2031-01-01T00:00:00Z", "soon", "9999-12-31T23:59:59-12:00"])
def test_an_end_is_a_time_to_come(until: str) -> None:
    with clock.at(NOON), pytest.raises(Invalid, match="until"):
        changes.submit(
            action=policies.SET_POLICY,
            target="WHOLESALE",
            patch={"max_daily_exposure": 50, "until": until},
            actor="jo",
            reason="x",
        )


def test_an_end_of_nothing_is_malformed() -> None:
    with clock.at(NOON), pytest.raises(Invalid, match="Nothing here ends"):
        change(max_daily_exposure=900, until=SIX)


def test_the_command_ends_what_is_due(capsys: pytest.CaptureFixture[str]) -> None:
    with clock.at(NOON):
        change(max_daily_exposure=5_000, until=SIX)
        call_command("end_overrides")
    with clock.at(SIX):
        call_command("run_job", "end_overrides")
        call_command("end_overrides")
    said = capsys.readouterr().out
    assert "No override is at its end." in said
    assert "1 override(s) ended: WHOLESALE." in said


def test_the_preview_says_what_goes_back_and_when() -> None:
    row, patch = standing(), {"max_daily_exposure": 5_000, "until": SIX}
    assert "At 2026-11-24 18:00 UTC WHOLESALE goes back: daily exposure 10.00 USD." in selectors.effect_of(row, patch)
    patch = {"enabled": False, "until": SIX}
    assert any("stays throttled" in said for said in selectors.effect_of(row, patch))


def test_a_retired_policy_refuses_is_hidden_and_comes_back_disabled() -> None:
    client = Client(SERVER_NAME="localhost")
    go_live()
    assert isinstance(change(retired=True), RiskPolicy)
    assert standing().retired_at is not None
    assert reserve().reason == "policy_disabled"
    refused = change(enabled=True)
    assert isinstance(refused, Refused)
    assert refused.code == "retired"
    address = "/api/governance/risk/policies"
    listed = [{row["engine"] for row in client.get(address + more).json()} for more in ("", "?retired=true")]
    assert "WHOLESALE" not in listed[0]
    assert listed[1] == {"WHOLESALE"}
    assert client.get(address + "?retired=perhaps").status_code == 400
    change(retired=False)
    assert (standing().retired, standing().enabled) == (False, False)
    assert isinstance(change(enabled=True), RiskPolicy)
    assert reserve().ok


def test_retiring_tightens_and_bringing_back_loosens(settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    ask = {"action": policies.SET_POLICY, "target": "WHOLESALE", "actor": "jo", "reason": "gone"}
    assert isinstance(changes.submit(**ask, patch={"retired": True}), Applied)
    assert isinstance(changes.submit(**ask, patch={"retired": False}), Pending)


def test_the_ceiling_is_not_retired_and_a_retired_policy_is_off_whoever_writes() -> None:
    with pytest.raises(Invalid, match="ceiling"):
        change(GLOBAL, retired=True)
    with pytest.raises(IntegrityError), transaction.atomic():
        RiskPolicy.objects.filter(engine="WHOLESALE").update(retired_at=NOON)


def test_both_ends_are_told_on_the_api() -> None:
    client = Client(SERVER_NAME="localhost")
    until = (clock.now() + DAY).replace(second=0, microsecond=0)
    body = {"engine": "WHOLESALE", "max_daily_exposure": 50, "until": until.isoformat(), "actor": "jo"}
    answer = client.post("/api/governance/risk/policies/upsert", body, content_type="application/json")
    assert answer.status_code == 200, answer.content
    assert dt.datetime.fromisoformat(answer.json()["until"]) == until
    assert all(cap in answer.json() for cap in CAPS)
    held = client.get("/api/governance/holds?code=override_ended").json()["results"]
    begins = [hold["starts_at"] for hold in held]
    assert begins == [until.isoformat().replace("+00:00", "Z")]
