"""The console's screens of rules and dead letters, the review, the checklist and the figures for monitoring."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from governance import clock, readiness
from notices import signing
from notices.models import NoticeDelivery, NoticeRule
from tests.access.factories import UserFactory, browser_of
from tests.notices.factories import DeliveryFactory, NoticeFactory, RuleFactory, dead

pytestmark = pytest.mark.django_db
RULES, DELIVERIES = "/admin/notices/noticerule/", "/admin/notices/noticedelivery/"


@pytest.fixture
def browse() -> Callable[..., Client]:
    """Return a browser in which somebody with a role is signed in."""

    def signed_in(role: str) -> Client:
        return browser_of(UserFactory.create(username=role, roles=[role], is_staff=True))

    return signed_in


def page(browser: Client, address: str, **query: str) -> str:
    answer = browser.get(address, query)
    assert answer.status_code == 200, address
    return answer.content.decode()


def act(browser: Client, where: str, **fields: Any) -> str:
    """Fill the form as it was shown, press the button, and return where it leads to as it then looks."""
    shown = browser.get(where)
    form = shown.context["form"]
    filled = {name: form[name].value() for name in form.fields if form[name].value() not in (None, False)}
    posted = {"seen": shown.context["seen"], **filled, "reason": "why", **fields}
    answer = browser.post(where, posted, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.sqlite
def test_an_operator_makes_a_rule_tests_it_and_retries_its_dead_letters(browse: Callable[..., Client]) -> None:
    browser = browse("operator")
    assert "New rule" in page(browser, RULES)
    address = "/admin/act/notices.rule.set/on-call/"
    assert "kill_switch.engaged" in page(browser, address)
    act(browser, address, address="https://hooks.example.com/x", kinds="*, heartbeat")
    rule = NoticeRule.objects.get()
    assert (rule.kinds, rule.enabled, rule.changed_by) == (["*", "heartbeat"], True, "operator")
    act(browser, "/admin/act/notices.rule.test/on-call/")
    assert NoticeDelivery.objects.get().notice.kind == "test"
    letter = dead(rule=rule)
    listed = page(browser, DELIVERIES, status__exact="DEAD")
    assert f"/admin/act/notices.delivery.retry/{letter.pk}/" in listed
    assert "It answered 500." in listed
    shown = page(browser, f"/admin/act/notices.delivery.retry/{letter.pk}/")
    assert "The kill switch was engaged by ops: drill" in shown
    act(browser, f"/admin/act/notices.delivery.retry/{letter.pk}/")
    letter.refresh_from_db()
    assert letter.status == "WAITING"
    assert "/admin/act/notices.delivery.retry" not in page(browser, DELIVERIES)


@pytest.mark.sqlite
def test_an_odd_address_is_told_beside_its_field(browse: Callable[..., Client]) -> None:
    html = act(browse("operator"), "/admin/act/notices.rule.set/on-call/", address="http://10.0.0.1/")
    assert "Must be https" in html
    assert not NoticeRule.objects.exists()


@pytest.mark.sqlite
def test_who_only_reads_is_offered_nothing(browse: Callable[..., Client]) -> None:
    browser, letter = browse("viewer"), dead()
    for address in (
        RULES,
        DELIVERIES,
        f"{RULES}{letter.rule.pk}/change/",
        f"{DELIVERIES}{letter.pk}/change/",
        "/admin/",
    ):
        assert "/admin/act/notices" not in page(browser, address), address


@pytest.mark.sqlite
def test_no_page_holds_a_secret_or_what_it_is_made_of(browse: Callable[..., Client]) -> None:
    browser, letter = browse("operator"), dead()
    rule = letter.rule
    pages = [RULES, f"{RULES}{rule.pk}/change/", DELIVERIES, f"{DELIVERIES}{letter.pk}/change/", "/admin/"]
    pages += [
        f"/admin/act/{name}/on-call/" for name in ("notices.rule.set", "notices.rule.test", "notices.secret.draw")
    ]
    html = "".join(page(browser, address) for address in [*pages, "/admin/history/notices.rule.set/on-call/"])
    assert rule.name in html
    for hidden in (rule.salt, signing.secret(rule.salt), signing.secret(rule.salt)[6:]):
        assert hidden not in html


@pytest.mark.sqlite
def test_the_control_plane_says_whom_each_rule_reaches_and_what_was_given_up(browse: Callable[..., Client]) -> None:
    browser = browse("operator")
    assert "Nobody is told when something happens" in page(browser, "/admin/")
    dead(rule=RuleFactory(name="pager", address="https://pager.example/x"))
    html = page(browser, "/admin/")
    assert "pager.example" in html
    assert "1 notice(s) were given up" in html
    assert "/admin/act/notices.rule.retry/pager/" in html


@pytest.mark.sqlite
def test_the_lists_cost_the_same_whatever_they_hold(
    browse: Callable[..., Client],
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    browser = browse("operator")
    counts: dict[str, list[int]] = {}
    page(browser, RULES)
    for number in range(2):
        for more in range(1 + 4 * number):
            dead(rule=RuleFactory(name=f"r{number}{more}"))
        for address in (RULES, DELIVERIES, "/admin/", "/admin/governance/notice/"):
            with CaptureQueriesContext(connection) as seen:
                page(browser, address)
            counts.setdefault(address, []).append(len(seen))
    assert all(first == second for first, second in counts.values()), counts


def test_the_review_says_whom_each_rule_reaches_and_what_waits(api: APIClient) -> None:
    told = api.get("/api/governance/review").json()
    assert told["sections"]["notices"] == {"waiting": 0, "dead_letters": 0, "rules": []}
    dead()
    DeliveryFactory(notice=NoticeFactory(at=clock.now() - dt.timedelta(minutes=11), routed_at=clock.now()))
    told = api.get("/api/governance/review").json()
    (rule,) = told["sections"]["notices"]["rules"]
    assert (rule["name"], rule["waiting"], rule["dead_letters"], rule["last_delivered_at"]) == ("on-call", 1, 1, None)
    alarms = [alarm for alarm in told["alarms"] if alarm.startswith("Notices: ")]
    assert len(alarms) == 2
    assert "1 notice(s) wait, the oldest since" in alarms[1]


def test_the_checklist_warns_where_nobody_is_told_of_the_kill_switch() -> None:
    def warning() -> bool:
        return bool(readiness.checklist()["warnings"]["people_are_told"]["ok"])

    assert not warning()
    assert readiness.checklist()["ok"]
    rule = RuleFactory(kinds=["job.failed"])
    assert not warning()
    NoticeRule.objects.filter(pk=rule.pk).update(kinds=["kill_switch.engaged"])
    assert warning()


def test_monitoring_sees_what_waits_how_long_and_what_was_given_up(api: APIClient) -> None:
    def figures() -> dict[str, float]:
        lines = api.get("/metrics").content.decode().splitlines()
        told = [line.split() for line in lines if line.startswith("valhalla_notice")]
        return {name: float(value) for name, value in told}

    assert figures() == {
        "valhalla_notices_waiting": 0, "valhalla_notice_oldest_seconds": 0, "valhalla_notices_dead": 0,
    }  # fmt: skip
    NoticeFactory(at=clock.now() - dt.timedelta(minutes=5)), dead()
    DeliveryFactory(notice=NoticeFactory(routed_at=clock.now()), rule=RuleFactory(name="off", enabled=False))
    told = figures()
    assert (told["valhalla_notices_waiting"], told["valhalla_notices_dead"]) == (1, 1)
    assert 300 <= told["valhalla_notice_oldest_seconds"] < 400
