from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from golive.models import GoLiveState
from golive.services import engage_kill_switch
from governance import changes, clock
from governance.models import AuditEvent, ChangeRequest
from riskguard.models import RiskPolicy
from tests.console.asking import listed
from tests.console.forms import fill, page, said, seen
from tests.regression.factories import tripped
from tests.riskguard.factories import go_live, policy, reserved

# What a page says and asks for is the same on every database: such a test runs on one.
pytestmark = pytest.mark.django_db
WHOLESALE = "/admin/act/risk.policy.set/WHOLESALE/"


@pytest.mark.sqlite
def test_a_form_has_every_control_of_the_schema_filled_as_the_policy_stands(operator: Client) -> None:
    html = page(operator, WHOLESALE)
    assert 'name="max_daily_exposure_figure" value="1000"' in html
    assert re.search(r'name="max_actions_per_day_none"[^>]*checked', html)
    assert "In currency units" in html or "currency units" in html
    assert "USD" in html


@pytest.mark.sqlite
def test_a_change_is_applied_in_currency_units_and_recorded_with_its_reason(operator: Client) -> None:
    response = fill(operator, WHOLESALE, max_daily_exposure_figure="1500.50", reason="a big day")
    assert response.status_code == 302
    row = RiskPolicy.objects.get(engine="WHOLESALE")
    assert row.max_daily_exposure == 150_050
    assert (row.changed_by, row.reason) == ("jo", "a big day")
    event = AuditEvent.objects.latest("pk")
    assert (event.actor, event.via, event.reason, event.action) == ("jo", "console", "a big day", "risk.policy.set")
    assert "1,000.00 USD → 1,500.50 USD" in said(response)


@pytest.mark.sqlite
def test_no_limit_is_said_by_a_box_and_an_empty_figure_lifts_nothing(operator: Client) -> None:
    refused = fill(operator, WHOLESALE, max_open_risk_figure="")
    assert "Give a figure, or tick that there is no limit." in refused.content.decode()
    assert RiskPolicy.objects.get(engine="WHOLESALE").max_open_risk == 100_000
    fill(operator, WHOLESALE, max_open_risk_figure="", max_open_risk_none="on")
    assert RiskPolicy.objects.get(engine="WHOLESALE").max_open_risk is None


@pytest.mark.sqlite
def test_only_what_a_person_altered_is_submitted(operator: Client) -> None:
    fill(operator, WHOLESALE, max_daily_loss_figure="100")
    event = AuditEvent.objects.latest("pk")
    assert event.before is not None
    assert event.after == {**event.before, "max_daily_loss": 100}


@pytest.mark.sqlite
def test_a_figure_that_is_none_is_told_beside_its_field(operator: Client) -> None:
    typed = {"max_daily_loss": "-1", "max_daily_exposure": "1.234", "max_open_risk": "abc"}
    for figures in (typed, {"max_daily_loss": "NaN", "max_open_risk": "1e99"}):
        response = fill(operator, WHOLESALE, **{f"{cap}_figure": figure for cap, figure in figures.items()})
        assert response.status_code == 200
        assert response.context["form"].errors.keys() == figures.keys()
    assert RiskPolicy.objects.get(engine="WHOLESALE").changed_by == "seed"


@pytest.mark.sqlite
def test_a_reason_is_asked_for(operator: Client) -> None:
    response = fill(operator, WHOLESALE, max_daily_loss_figure="100", reason=" ")
    assert response.context["form"].errors.keys() == {"reason"}
    assert not AuditEvent.objects.exclude(action="access.sign_in").exists()


@pytest.mark.sqlite
def test_nothing_altered_is_nothing_submitted(operator: Client) -> None:
    response = fill(operator, WHOLESALE)
    assert "Nothing would change" in response.content.decode()
    assert not AuditEvent.objects.exclude(action="access.sign_in").exists()


@pytest.mark.sqlite
def test_a_page_that_is_older_than_the_last_change_submits_nothing(operator: Client) -> None:
    old = seen(page(operator, WHOLESALE))
    policy("WHOLESALE", max_daily_loss=5_000)
    response = fill(operator, WHOLESALE, max_daily_loss_figure="100", seen=old)
    assert "has changed since the page was opened" in response.content.decode()
    assert RiskPolicy.objects.get(engine="WHOLESALE").max_daily_loss == 5_000


@pytest.mark.sqlite
def test_what_loosens_waits_for_a_second_person_and_the_message_leads_to_it(
    operator: Client, settings: LazySettings
) -> None:
    settings.FOUR_EYES = True
    response = fill(operator, WHOLESALE, max_daily_exposure_figure="1500", max_daily_loss_figure="100")
    change = ChangeRequest.objects.get()
    assert change.patch == {"max_daily_exposure": 1500}
    assert f"/admin/changes/{change.pk}/" in said(response)
    row = RiskPolicy.objects.get(engine="WHOLESALE")
    assert (row.max_daily_exposure, row.max_daily_loss) == (100_000, 10_000)


def preview(browser: Client, address: str, **fields: Any) -> str:
    response = browser.post(address.replace("/act/", "/preview/"), fields)
    assert response.status_code == 200
    return response.content.decode()


def controls(**more: Any) -> dict[str, Any]:
    caps = {"max_daily_loss_figure": "200", "max_daily_exposure_figure": "1000", "max_open_risk_figure": "1000"}
    none = {f"{cap}_none": "on" for cap in ("max_amount_per_action", "max_actions_per_day", "max_actions_per_minute")}
    return {**caps, **none, "enabled": "on", **more}


@pytest.mark.sqlite
def test_the_preview_says_what_a_raised_cap_allows_today_and_changes_nothing(operator: Client) -> None:
    go_live()
    reserved("WHOLESALE", 30_000)
    told = preview(operator, WHOLESALE, **controls(max_daily_exposure_figure="1500"))
    assert "1,000.00 USD" in told
    assert "1,500.00 USD" in told
    assert "this allows 500.00 USD more today; 1,200.00 USD is left" in told
    assert "applied at once, since four eyes is off" in told
    assert RiskPolicy.objects.get(engine="WHOLESALE").max_daily_exposure == 100_000


@pytest.mark.sqlite
def test_the_preview_says_who_must_agree(operator: Client, settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    assert "Loosens nothing: applied at once" in preview(operator, WHOLESALE, **controls(max_daily_loss_figure="1"))
    assert "waits for a second person." in preview(operator, WHOLESALE, **controls(max_daily_loss_figure="900"))
    both = controls(max_daily_loss_figure="900", max_open_risk_figure="1")
    assert "the rest is applied at once" in preview(operator, WHOLESALE, **both)


@pytest.mark.sqlite
def test_the_preview_of_a_wrong_figure_says_which_field(operator: Client) -> None:
    assert "Max daily loss" in preview(operator, WHOLESALE, **controls(max_daily_loss_figure="-3"))


@pytest.mark.sqlite
def test_a_link_presets_its_fields_and_leaves_the_others_out(operator: Client) -> None:
    throttle = f"{WHOLESALE}?patch={json.dumps({'enabled': False})}&next=/admin/riskguard/riskpolicy/"
    html = page(operator, throttle)
    assert "max_daily_loss" not in html
    assert "may reserve nothing from this moment on" in html
    response = fill(operator, throttle)
    assert response["Location"] == "/admin/riskguard/riskpolicy/"
    assert not RiskPolicy.objects.get(engine="WHOLESALE").enabled


@pytest.mark.sqlite
@pytest.mark.parametrize("address", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_a_form_returns_to_no_other_site(operator: Client, address: str) -> None:
    response = fill(operator, f"/admin/act/go_live.disable/?next={address}")
    assert response["Location"] == "/admin/"


@pytest.mark.sqlite
@pytest.mark.parametrize("patch", ["[1]", "{", '{"max_daily_loss": "abc"}'])
def test_a_link_with_a_malformed_patch_is_a_400(operator: Client, patch: str) -> None:
    assert operator.get(WHOLESALE, {"patch": patch}).status_code == 400


@pytest.mark.sqlite
def test_an_unknown_action_or_target_is_a_404(operator: Client) -> None:
    for address in (
        "nothing.at.all/",
        "regression.incident.resolve/99/",
        "regression.rearm/NO/such/",
        "risk.policy.set/%20%7F/",
    ):
        assert operator.get(f"/admin/act/{address}").status_code == 404, address


@pytest.mark.sqlite
def test_a_new_policy_is_asked_its_name_first(operator: Client) -> None:
    assert "Which engine" in page(operator, "/admin/act/risk.policy.set/")
    assert "has a character" in page(operator, "/admin/act/risk.policy.set/?target=a%2Fb").replace("Has", "has")
    found = operator.get("/admin/act/risk.policy.set/", {"target": " new_one "})
    assert found["Location"].startswith("/admin/act/risk.policy.set/NEW_ONE/")
    fill(operator, "/admin/act/risk.policy.set/NEW_ONE/", max_daily_loss_figure="5")
    row = RiskPolicy.objects.get(engine="NEW_ONE")
    assert (row.max_daily_loss, row.enabled) == (500, False)


@pytest.mark.sqlite
def test_the_kill_switch_needs_no_reason_and_no_approval(operator: Client, settings: LazySettings) -> None:
    settings.FOUR_EYES = True
    assert "Everything that acts in production is refused" in page(operator, "/admin/act/kill_switch.engage/")
    assert fill(operator, "/admin/act/kill_switch.engage/", reason="").status_code == 302
    assert GoLiveState.objects.get().kill_switch_engaged


@pytest.mark.sqlite
def test_a_refusal_says_why_and_keeps_what_was_typed(operator: Client) -> None:
    tripped("WHOLESALE")
    html = fill(operator, f"{WHOLESALE}?patch={json.dumps({'enabled': True})}", reason="all is well").content.decode()
    assert "Re-arm the tripwire first" in html
    assert "all is well" in html
    assert not RiskPolicy.objects.get(engine="WHOLESALE").enabled


@pytest.mark.sqlite
def test_a_checklist_that_fails_is_told_and_an_override_with_a_reason_passes(operator: Client) -> None:
    RiskPolicy.objects.filter(engine="GLOBAL").update(enabled=False)
    address = "/admin/act/go_live.enable/"
    assert "The checklist does not pass: global_risk_policy" in page(operator, address)
    assert "The checklist does not pass" in fill(operator, address).content.decode()
    assert not GoLiveState.objects.get().go_live_enabled
    assert fill(operator, address, override="on", reason="the fair is today").status_code == 302
    assert GoLiveState.objects.get().go_live_enabled


@pytest.mark.sqlite
def test_a_get_never_acts(operator: Client) -> None:
    operator.get("/admin/act/kill_switch.engage/", {"reason": "x", "seen": ""})
    assert operator.get("/admin/preview/kill_switch.engage/").status_code == 405
    assert not GoLiveState.objects.get().kill_switch_engaged


@pytest.mark.sqlite
def test_a_post_from_another_site_never_acts(operator: Client) -> None:
    strict = Client(SERVER_NAME="localhost", enforce_csrf_checks=True)
    strict.cookies = operator.cookies
    assert strict.post("/admin/act/kill_switch.engage/", {}).status_code == 403
    assert not GoLiveState.objects.get().kill_switch_engaged


@pytest.mark.sqlite
@pytest.mark.parametrize("action", ["kill_switch.engage", "go_live.disable", "go_live.enable"])
def test_a_viewer_can_open_and_submit_none_of_it(viewer: Client, action: str) -> None:
    assert viewer.get(f"/admin/act/{action}/").status_code == 403
    assert viewer.post(f"/admin/act/{action}/", {"reason": "x"}).status_code == 403
    assert viewer.post(f"/admin/preview/{action}/", {"reason": "x"}).status_code == 403
    assert not AuditEvent.objects.exclude(action__in=["access.sign_in", "request.attempt"]).exists()


@pytest.mark.sqlite
def test_a_stranger_is_asked_to_sign_in(client: Client) -> None:
    response = client.get("/admin/act/kill_switch.engage/")
    assert response.status_code == 302
    assert response["Location"].startswith("/admin/login/")


@pytest.mark.sqlite
def test_a_missing_row_is_told_and_is_no_500(operator: Client) -> None:
    GoLiveState.objects.all().delete()
    response = operator.get("/admin/act/kill_switch.engage/")
    assert response.status_code == 503
    assert "seed_governance" in response.content.decode()


def test_the_whole_of_a_bad_day_can_be_done_by_forms(operator: Client) -> None:
    tripped("WHOLESALE")
    (incident,) = listed(operator, "/admin/regression/regressionincident/")
    assert fill(operator, f"/admin/act/regression.incident.acknowledge/{incident.pk}/").status_code == 302
    assert fill(operator, "/admin/act/regression.rearm/WHOLESALE/signed/").status_code == 302
    assert fill(operator, f"/admin/act/regression.incident.resolve/{incident.pk}/").status_code == 302
    assert fill(operator, WHOLESALE, enabled="on").status_code == 302
    assert RiskPolicy.objects.get(engine="WHOLESALE").enabled


@pytest.mark.sqlite
def test_the_release_says_what_stays_closed(operator: Client) -> None:
    engage_kill_switch(actor="ops")
    assert "Production stays disabled" in page(operator, "/admin/act/kill_switch.release/")


@pytest.mark.sqlite
def test_a_throttle_asks_for_its_end_alone_and_leaves_the_end_of_an_override_as_it_is(operator: Client) -> None:
    until = (clock.now() + dt.timedelta(days=1)).replace(second=0, microsecond=0)
    stood = {"max_daily_loss": "900", "until": until.isoformat()}
    changes.submit(action="risk.policy.set", target="WHOLESALE", patch=stood, actor="jo", reason="the fair")
    html = page(operator, "/admin/")
    throttle = next(part for part in html.split('"') if "enabled%22%3A+false" in part and "WHOLESALE" in part)
    throttle = throttle.replace("&amp;", "&")
    html = page(operator, throttle)
    assert ('name="until"' in html, "max_daily_loss" in html) == (True, False)
    assert fill(operator, throttle).status_code == 302
    row = RiskPolicy.objects.get(engine="WHOLESALE")
    assert (row.enabled, row.until, row.fallback) == (False, until, {"max_daily_loss": 20_000})


@pytest.mark.sqlite
def test_an_end_that_is_over_is_not_filled_in_again(operator: Client) -> None:
    RiskPolicy.objects.filter(engine="WHOLESALE").update(enabled=False, until=clock.now() - dt.timedelta(hours=1))
    for address in (WHOLESALE, f"{WHOLESALE}?patch={json.dumps({'enabled': True})}&ask=until"):
        assert operator.get(address).context["form"].fields["until"].initial is None
    assert fill(operator, address).status_code == 302
    row = RiskPolicy.objects.get(engine="WHOLESALE")
    assert (row.enabled, row.until) == (True, None)
