from __future__ import annotations

import datetime as dt
from decimal import Decimal

import pytest

from governance import clock
from governance.models import AuditEvent
from governance.sections import Period
from heimdall import review, seeds, services
from heimdall.models import HeimdallPolicy
from tests.heimdall.factories import EventFactory, PolicyFactory, ScorecardFactory, earned, today

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("live")]
DAY = dt.timedelta(days=1)
WEEK = dt.timedelta(days=7)


def week() -> Period:
    end = clock.now() + dt.timedelta(minutes=1)
    return Period(end - WEEK, end)


def test_the_seeds_are_the_contracts() -> None:
    rows = HeimdallPolicy.objects.values_list(
        "domain", "engine", "min_confidence_prod", "min_sandbox_trials", "min_sandbox_success_rate", "prod_use_enabled"
    )
    assert set(rows) == {
        ("WHOLESALE_OFFER", "WHOLESALE", Decimal("0.92"), 75, Decimal("0.82"), False),
        ("BUYER_MATCH", "BUYER_MATCH", Decimal("0.90"), 50, Decimal("0.80"), False),
        ("CAPITAL_ROUTE", "CAPITAL", Decimal("0.95"), 100, Decimal("0.85"), False),
        ("FOLLOWUP_NEXT_ACTION", "NOTIFY", Decimal("0.90"), 60, Decimal("0.80"), False),
    }
    assert set(HeimdallPolicy.objects.values_list("evidence_days", flat=True)) == {1}


def test_a_missing_seed_is_named_and_put_back_and_an_edited_one_left_alone() -> None:
    HeimdallPolicy.objects.filter(domain="BUYER_MATCH").delete()
    services.set_policy(domain="CAPITAL_ROUTE", patch={"min_sandbox_trials": 7}, actor="jo", reason="test")
    assert seeds.missing() == ["heimdall_policy BUYER_MATCH"]
    assert seeds.restore(actor="ops", reset=False) == ["heimdall_policy BUYER_MATCH"]
    assert seeds.missing() == []
    assert HeimdallPolicy.objects.get(domain="CAPITAL_ROUTE").min_sandbox_trials == 7


def test_a_reset_sets_an_edited_one_back_and_records_it() -> None:
    services.set_policy(domain="CAPITAL_ROUTE", patch={"prod_use_enabled": True}, actor="jo", reason="test")
    PolicyFactory(domain="OWN")
    assert seeds.restore(actor="ops", reset=True) == ["heimdall_policy CAPITAL_ROUTE"]
    assert HeimdallPolicy.objects.get(domain="CAPITAL_ROUTE").prod_use_enabled is False
    assert HeimdallPolicy.objects.get(domain="OWN").prod_use_enabled is True
    event = AuditEvent.objects.latest("pk")
    assert (event.target, event.actor, event.reason) == ("CAPITAL_ROUTE", "ops", "seed")


def test_the_review_says_what_each_domain_still_lacks() -> None:
    told = review.section(week())
    domains = {line["domain"]: line for line in told.data["domains"]}
    assert len(domains) == 4
    assert any("not enabled for production use" in lack for lack in domains["WHOLESALE_OFFER"]["lacking"])
    assert any("75" in lack for lack in domains["WHOLESALE_OFFER"]["lacking"])
    assert told.alarms == []
    assert [row[1] for row in told.tables[0].rows] == ["OFF"] * 4


def test_a_domain_that_has_earned_it_lacks_nothing() -> None:
    earned("PRICING")
    told = review.section(week())
    line = next(line for line in told.data["domains"] if line["domain"] == "PRICING")
    assert line["lacking"] == []
    assert (line["period"]["trials"], line["period"]["successes"]) == (10, 8)
    assert told.alarms == []


def test_an_enabled_domain_whose_evidence_sank_is_an_alarm() -> None:
    earned("PRICING")
    services.trial(domain="PRICING", confidence=0.9, success=False, actor="sandbox")
    (alarm,) = review.section(week()).alarms
    assert alarm.startswith("PRICING is enabled for production use, and ")


def test_refusals_are_counted_by_reason_against_the_period_before() -> None:
    now = clock.now()
    for at, times in ((now, 2), (now - WEEK, 1)):
        for _ in range(times):
            EventFactory(domain="BUYER_MATCH", reason="prod_use_disabled", at=at, day=at.date())
    line = next(line for line in review.section(week()).data["domains"] if line["domain"] == "BUYER_MATCH")
    assert line["period"]["denied"] == {"prod_use_disabled": 2}
    assert line["period_before"]["denied"] == {"prod_use_disabled": 1}


def test_trials_of_the_period_before_stand_beside_this_ones() -> None:
    ScorecardFactory(domain="BUYER_MATCH", trials=4, successes=4)
    ScorecardFactory(domain="BUYER_MATCH", day=today() - WEEK, trials=10, successes=5)
    line = next(line for line in review.section(week()).data["domains"] if line["domain"] == "BUYER_MATCH")
    assert (line["period"]["success_rate"], line["period_before"]["success_rate"]) == (1, Decimal("0.5"))


def test_a_domain_without_a_policy_that_asked_is_named() -> None:
    EventFactory(domain="NOWHERE")
    line = next(line for line in review.section(week()).data["domains"] if line["domain"] == "NOWHERE")
    assert line["policy"] is None
    assert line["lacking"] == ["has no policy: an operator must create one"]
