from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from governance import clock
from regression.models import RegressionIncident
from regression.services import record_kpi
from riskguard import services
from riskguard.models import RiskEvent, RiskReservation
from riskguard.stories import Step, steps
from tests.regression.factories import IncidentFactory, tripped
from tests.riskguard.factories import DAY, HOUR, NOON, go_live, policy, reserved, settled

pytestmark = pytest.mark.django_db


def told(held: RiskReservation) -> list[Step]:
    return steps(RiskEvent.objects.filter(reservation=held).order_by("pk"))


def page(held: RiskReservation, *roles: str) -> str:
    user = User.objects.create_user(f"pat-{'-'.join(roles)}", is_staff=True)
    user.groups.set(Group.objects.filter(name__in=roles))
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(user)
    response = browser.get(reverse("admin:riskguard_riskreservation_change", args=[held.pk]))
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def test_a_settled_reservation_tells_its_figures_before_and_after() -> None:
    go_live()
    reserve, settle = told(settled("WHOLESALE", 30_000, 1_000))
    assert (reserve.title, settle.title) == ("Reserved", "Settled")
    assert reserve.rows == [
        ("Exposure counted", "0.00 USD", "300.00 USD"),
        ("Open risk", "0.00 USD", "300.00 USD"),
        ("Realized loss", "0.00 USD", "0.00 USD"),
    ]
    assert settle.rows == [
        ("Exposure counted", "300.00 USD", "300.00 USD"),
        ("Open risk", "300.00 USD", "0.00 USD"),
        ("Realized loss", "0.00 USD", "10.00 USD"),
    ]
    assert ("GLOBAL daily exposure", "0.00 USD", "300.00 USD", "1,500.00 USD") in reserve.levels
    assert ("WHOLESALE actions per day", "0", "1", "no cap") in reserve.levels


def test_a_late_settle_is_told_as_one_and_a_release_gives_exposure_back() -> None:
    with clock.at(NOON):
        go_live()
        late, back = reserved("WHOLESALE", 2_000), reserved("WHOLESALE", 3_000)
        services.release(reservation_id=back.pk, actor="bot")
    with clock.at(NOON + DAY + HOUR):
        services.expire_some()
        services.settle(reservation_id=late.pk, realized_loss=500, actor="ops")
    assert [step.title for step in told(late)] == ["Reserved", "Expired", "Settled late, after it had expired"]
    assert told(late)[1].rows[1] == ("Open risk", "20.00 USD", "0.00 USD")
    assert told(late)[2].rows[2] == ("Realized loss", "0.00 USD", "5.00 USD")
    assert told(back)[1].title == "Released"
    assert told(back)[1].rows[0] == ("Exposure counted", "30.00 USD", "0.00 USD")


def test_the_page_tells_who_why_and_what_else_happened_meanwhile() -> None:
    go_live()
    held = reserved("WHOLESALE", 30_000, correlation_id="deal-7")
    policy("CAPITAL", max_daily_loss=7)
    policy("WHOLESALE", max_daily_loss=77_700)
    tripped("WHOLESALE")
    record_kpi(domain="WHOLESALE", metric="other", success=True, actor="bot", correlation_id="deal-7")
    html = page(held, "auditor")
    for said in ("by <strong>bot</strong>: reserved", "Correlation id deal-7", "OPEN", "risk.policy.set, WHOLESALE"):
        assert said in html
    number = RegressionIncident.objects.get().pk
    link = f'href="/admin/regression/regressionincident/{number}/change/">Incident {number}, WHOLESALE/signed</a>'
    assert f"{link}: <strong>open" in html
    assert "kpi" in html.partition("Meanwhile")[2]
    assert "CAPITAL" not in html.partition("Meanwhile")[2]
    # The trail is for whom the table of roles lets read it.
    assert "risk.policy.set" not in page(held, "viewer").partition("Meanwhile")[2]


def test_the_incidents_of_its_day_are_told_too_and_those_of_other_days_are_not() -> None:
    with clock.at(NOON):
        go_live()
        held = settled("WHOLESALE")
    opened = [IncidentFactory(domain="WHOLESALE", opened_at=NOON + shift) for shift in (-DAY, -HOUR, HOUR, DAY)]
    at_once = {"acknowledged_at": F("opened_at"), "resolved_at": F("opened_at")}
    RegressionIncident.objects.update(status="RESOLVED", acknowledged_by="jo", resolved_by="jo", **at_once)
    html = page(held, "viewer")
    told = [incident.pk for incident in opened if f"/regressionincident/{incident.pk}/change/" in html]
    assert told == [opened[1].pk, opened[2].pk]


def test_what_expired_says_the_next_step_and_what_is_overdue_that_it_is() -> None:
    with clock.at(NOON - 9 * DAY):
        go_live()
        held = reserved("WHOLESALE", 2_000)
    assert "Its time is over" in page(held, "viewer")
    services.expire_some()
    assert "Find out whether the action happened" in page(held, "auditor")


def test_the_story_takes_as_many_queries_whatever_the_history_holds() -> None:
    go_live()
    held = settled("WHOLESALE")
    user = User.objects.create_superuser("boss")
    browser = Client(SERVER_NAME="localhost")
    browser.force_login(user)
    counts = []
    for _more in range(2):
        with CaptureQueriesContext(connection) as seen:
            browser.get(reverse("admin:riskguard_riskreservation_change", args=[held.pk]))
        counts.append(len(seen))
        for _number in range(9):
            settled("WHOLESALE")
            policy("WHOLESALE")
    assert counts[0] == counts[1]


def test_an_unknown_reservation_leads_back_and_nothing_is_posted_here(client: Client) -> None:
    client.force_login(User.objects.create_superuser("boss"))
    address = reverse("admin:riskguard_riskreservation_change", args=[999])
    assert client.get(address).status_code == 302
    go_live()
    held = settled("WHOLESALE")
    assert client.post(reverse("admin:riskguard_riskreservation_change", args=[held.pk])).status_code == 403
