from __future__ import annotations

import datetime as dt

import pytest
from django.conf import LazySettings
from django.db import connection
from django.template import Context, Template
from django.test import Client
from django.test.utils import CaptureQueriesContext

from golive.models import GoLiveState
from golive.services import disable, engage_kill_switch
from governance import clock, register
from governance.changes import submit
from governance.console import figures
from governance.register import Alarm, Lever, Panel, Status
from tests.console.conftest import SignedIn
from tests.heimdall.factories import PolicyFactory as HeimdallPolicyFactory
from tests.regression.factories import record, tripped
from tests.riskguard.factories import go_live, policy, reserve, reserved, settled

# What a page says and asks for is the same on every database: such a test runs on one.
pytestmark = pytest.mark.django_db


def shown(browser: Client, address: str = "/admin/") -> str:
    response = browser.get(address)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


@pytest.mark.sqlite
def test_the_status_says_the_word_who_when_and_why(viewer: Client) -> None:
    go_live()
    assert ">LIVE<" in shown(viewer)
    disable(actor="ops", reason="stocktaking")
    html = shown(viewer)
    assert ">DISABLED<" in html
    assert "by ops: stocktaking" in html
    assert "UTC (just now)" in html
    engage_kill_switch(actor="jo", reason="fire")
    assert ">KILLED<" in shown(viewer)


@pytest.mark.sqlite
def test_where_nothing_is_enforced_every_page_says_so(viewer: Client, settings: LazySettings) -> None:
    settings.GOVERNANCE_ENFORCED = False
    assert ">NOT ENFORCED<" in shown(viewer)
    assert "Enforcement is OFF: nothing is blocked" in shown(viewer, "/admin/riskguard/riskpolicy/")


@pytest.mark.sqlite
def test_an_open_api_is_told_on_every_page_and_a_closed_one_is_not(viewer: Client, settings: LazySettings) -> None:
    assert "Anyone on this machine may call" in shown(viewer, "/admin/governance/hold/")
    settings.API_AUTH, settings.FOUR_EYES = "token", True
    assert "vh-posture" not in shown(viewer, "/admin/governance/hold/")


@pytest.mark.sqlite
def test_a_missing_state_is_told_and_is_no_500(viewer: Client) -> None:
    GoLiveState.objects.all().delete()
    html = shown(viewer)
    assert ">UNKNOWN<" in html
    assert "seed_governance" in html


@pytest.mark.sqlite
def test_caps_are_bars_with_what_is_used_and_left(viewer: Client) -> None:
    go_live()
    policy("WHOLESALE", max_daily_exposure=100_000, max_daily_loss=5_000)
    settled("WHOLESALE", 30_000, 1_000)
    reserved("WHOLESALE", 10_000)
    html = shown(viewer)
    assert "400.00 of 1,000.00 USD" in html
    assert "600.00 USD left" in html
    assert "10.00 of 50.00 USD" in html
    assert "100.00 USD, no limit" in html


@pytest.mark.sqlite
@pytest.mark.parametrize(("used", "tone"), [(79_900, "good"), (80_000, "warn"), (99_999, "warn"), (100_000, "bad")])
def test_a_bar_is_close_from_four_fifths_on_and_full_at_the_cap(viewer: Client, used: int, tone: str) -> None:
    go_live()
    policy("WHOLESALE", max_daily_exposure=100_000)
    reserved("WHOLESALE", used)
    html = shown(viewer)
    assert f"vh-bar vh-bar-{tone}" in html
    assert ("WHOLESALE&#x27;s daily exposure" in html) is (tone != "good")


@pytest.mark.sqlite
def test_what_tripped_stands_first_with_its_incident(operator: Client) -> None:
    tripped("WHOLESALE")
    html = shown(operator)
    assert "WHOLESALE/signed is triggered" in html
    assert "Incident" in html
    assert html.index('id="panel-regression"') < html.index('id="panel-riskguard"')
    for action in ("regression.rearm", "regression.incident.acknowledge", "regression.incident.resolve"):
        assert f"/admin/act/{action}/" in html


@pytest.mark.sqlite
def test_the_drop_that_triggers_is_told_as_it_is_set(viewer: Client) -> None:
    html = shown(viewer)
    for drop in ("0.2", "0.15", "0.25", "0.3"):
        assert f'data-label="Triggers at" class="vh-number">{drop}</td>' in html


def test_refusals_of_the_last_day_are_counted_by_reason(viewer: Client) -> None:
    go_live()
    with clock.at(clock.now() - dt.timedelta(hours=25)):
        reserve("NOBODY")
    assert "policy missing" not in shown(viewer)
    reserve("NOBODY")
    assert '<span class="vh-count">1</span> policy missing' in shown(viewer)


@pytest.mark.sqlite
def test_a_domain_says_what_it_still_lacks(viewer: Client) -> None:
    HeimdallPolicyFactory(domain="OFFERS", min_sandbox_trials=7)
    assert "needs 7 sandbox trials" in shown(viewer)


@pytest.mark.sqlite
def test_changes_that_wait_are_listed(viewer: Client, settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    submit(action="risk.policy.set", target="CAPITAL", patch={"max_daily_loss": 900}, actor="jo", reason="the fair")
    html = shown(viewer)
    assert "Waiting for a second person" in html
    assert "the fair" in html


@pytest.mark.sqlite
def test_a_viewer_is_offered_no_change_and_an_operator_the_kill_switch_on_every_page(
    viewer: Client, operator: Client
) -> None:
    tripped("WHOLESALE")
    for page in ("/admin/", "/admin/riskguard/riskpolicy/", "/admin/control-plane/"):
        assert "/admin/act/" not in shown(viewer, page)
    for page in ("/admin/", "/admin/riskguard/riskpolicy/", "/admin/governance/auditevent/"):
        assert "/admin/act/kill_switch.engage/" in shown(operator, page)
    engage_kill_switch(actor="ops")
    assert "/admin/act/kill_switch.release/" in shown(operator, "/admin/riskguard/riskpolicy/")


@pytest.mark.sqlite
def test_buttons_of_the_part_that_refreshes_lead_back_to_the_page(operator: Client) -> None:
    assert 'next=%2Fadmin%2F"' in shown(operator, "/admin/control-plane/")
    assert "next=%2Fadmin%2Fcontrol-plane" not in shown(operator, "/admin/control-plane/")


@pytest.mark.sqlite
def test_who_is_signed_out_meanwhile_is_told_to_load_the_page_anew(client: Client) -> None:
    response = client.get("/admin/control-plane/")
    assert response.status_code == 401
    assert response["HX-Refresh"] == "true"


@pytest.mark.sqlite
def test_without_a_role_the_page_says_whom_to_ask(signed_in: SignedIn) -> None:
    html = shown(signed_in())
    assert "Your account has no role yet" in html
    assert "panel-riskguard" not in html


@pytest.mark.sqlite
def test_the_page_asks_as_many_queries_with_a_history_as_without(operator: Client) -> None:
    go_live()
    tripped("WHOLESALE")
    counts = []
    for more in (1, 12):
        for _ in range(more):
            reserve("CAPITAL", 100)
            reserve("NOBODY", 100)
            record("SF", domain="WHOLESALE")
        with CaptureQueriesContext(connection) as seen:
            shown(operator)
        counts.append(len(seen))
    assert counts[0] == counts[1]


@pytest.mark.sqlite
def test_a_further_lever_shows_up_by_announcing_itself(operator: Client) -> None:
    status = Status(word="MOONLIT", tone="idle", said="The moon is up.")
    panel = Panel("console/refused.html", {"refused": {}}, [Alarm("The moon is full")])
    register.announce(
        Lever(
            name="moon", title="Moon", checks=list, review=lambda _period: None, actions=(),
            status=lambda: status, panel=lambda: panel,
        )  # type: ignore[arg-type]
    )  # fmt: skip
    try:
        html = shown(operator)
    finally:
        register.withdraw("moon")
    for told in ("MOONLIT", "The moon is up.", "The moon is full", 'id="panel-moon"'):
        assert told in html


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "just now"), (59, "just now"), (60, "1 min ago"), (3_599, "59 min ago"), (3_600, "1 h ago"),
        (86_399, "23 h ago"), (86_400, "1 d ago"), (-59, "in under a minute"), (-60, "in 1 min"), (-7_200, "in 2 h"),
    ],
)  # fmt: skip
def test_an_age_is_told_in_its_largest_unit(seconds: int, said: str) -> None:
    now = dt.datetime(2026, 11, 24, 2, tzinfo=dt.UTC)
    with clock.at(now):
        assert figures.age(now - dt.timedelta(seconds=seconds)) == said


@pytest.mark.sqlite
def test_what_is_not_there_is_told_as_never_and_a_dash() -> None:
    told = Template("{% load console %}{{ nothing|age }} {{ none|moment }} {{ none|money }} {{ minor|money }}")
    assert told.render(Context({"none": None, "minor": 12_345})) == "never never - 123.45 USD"
