from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.test.utils import CaptureQueriesContext

from governance import clock, outbox, retention
from governance.changes import Applied, Pending
from governance.errors import Invalid, NotFound, Unapproved
from governance.happenings import Notice
from governance.models import AuditEvent
from notices import rules, services
from notices.models import NoticeDelivery, NoticeRule
from tests.notices.factories import DeliveryFactory, NoticeFactory, RuleFactory, Sent, deliver, ruled, submit

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
Status = NoticeDelivery.Status


class TestRouting:
    def test_a_notice_goes_to_each_rule_that_wants_it_once(self) -> None:
        RuleFactory(name="all"), RuleFactory(name="jobs", kinds=["job.failed"]), RuleFactory(name="off", enabled=False)
        RuleFactory(name="capital", engines=["CAPITAL"])
        NoticeFactory(kind="tripwire.triggered", engine="CAPITAL"), NoticeFactory(kind="job.failed")
        assert services.route_some() == 2
        assert services.route_some() == 0
        routed = NoticeDelivery.objects.order_by("pk").values_list("notice__kind", "rule__name")
        assert sorted(routed) == [
            ("job.failed", "all"), ("job.failed", "capital"), ("job.failed", "jobs"), ("tripwire.triggered", "all"),
            ("tripwire.triggered", "capital"),
        ]  # fmt: skip

    def test_costs_the_same_whatever_there_is_to_route(self, django_assert_num_queries: Callable[..., Any]) -> None:
        from django.db import connection

        counts = []
        for number in (1, 9):
            for _ in range(number):
                RuleFactory(name=f"r{NoticeRule.objects.count()}"), NoticeFactory()
            with CaptureQueriesContext(connection) as seen:
                services.route_some()
            counts.append(len(seen))
        assert counts[0] == counts[1]


class TestRules:
    def test_a_new_one_is_told_of_everything(self) -> None:
        rule = ruled()
        assert rule.snapshot() == {
            "channel": "WEBHOOK", "address": "https://hooks.example.com/valhalla", "kinds": "*", "engines": "*",
            "enabled": True,
        }  # fmt: skip
        event = AuditEvent.objects.get()
        assert (event.action, event.target, event.actor, event.before) == ("notices.rule.set", "on-call", "ops", None)

    def test_the_door_takes_names_as_text_and_spells_them(self) -> None:
        patch = {"address": "https://a.example", "kinds": " job.failed,Heartbeat ", "engines": "wholesale capital"}
        outcome = submit(rules.SET, "On-Call", patch)
        assert isinstance(outcome, Applied)
        assert (outcome.result.name, outcome.result.kinds) == ("on-call", ["heartbeat", "job.failed"])
        assert outcome.result.engines == ["CAPITAL", "WHOLESALE"]

    @pytest.mark.parametrize(
        ("patch", "field", "said"),
        [
            ({}, "address", "Must be an address"),
            ({"address": "https://10.0.0.1"}, "address", "no public address"),
            ({"channel": "MAIL", "address": "ops@example.com"}, "address", "EMAIL_URL names no mail server"),
            ({"address": "https://a.example", "kinds": ""}, "kinds", "Must be names"),
            ({"address": "https://a.example", "kinds": ["*"]}, "kinds", "Must be names"),
            (
                {"address": "https://a.example", "kinds": "earthquake"},
                "kinds",
                "no kind 'earthquake': there are change",
            ),
            ({"address": "https://a.example", "kinds": "a " * 51}, "kinds", "more than 50"),
            ({"address": "https://a.example", "engines": "A/B"}, "engines", "cannot have"),
            ({"address": "https://a.example", "channel": "PIGEON"}, "channel", "not a valid choice"),
            ({"address": "https://a.example" + "/x" * 250}, "address", "no more than 500"),
        ],
    )
    def test_what_is_odd_is_told_by_field(self, patch: dict[str, Any], field: str, said: str) -> None:
        with pytest.raises(Invalid) as told:
            submit(rules.SET, "on-call", patch)
        assert said in " ".join(told.value.errors[field])
        assert not NoticeRule.objects.exists()

    def test_an_address_that_was_allowed_once_may_be_disabled(self, settings: LazySettings) -> None:
        RuleFactory(address="http://10.0.0.1/x")
        assert isinstance(submit(rules.SET, "on-call", {"enabled": False}), Applied)

    def test_what_lets_somebody_hear_less_waits_for_a_second_person(self, settings: LazySettings) -> None:
        ruled()
        settings.FOUR_EYES = True
        outcome = submit(rules.SET, "on-call", {"enabled": False, "kinds": "*, heartbeat"})
        assert isinstance(outcome, Pending)
        assert outcome.change.patch == {"enabled": False}
        rule = NoticeRule.objects.get()
        assert (rule.enabled, rule.kinds) == (True, ["*", "heartbeat"])
        with pytest.raises(Unapproved):
            services.set_rule(name="on-call", patch={"enabled": False}, actor="ops")

    def test_a_new_secret_keeps_the_former_one_for_a_while(self) -> None:
        before = ruled().salt
        outcome = submit(rules.DRAW, "on-call", {"salt": "s" * 43})
        assert isinstance(outcome, Applied)
        assert (outcome.result.salt, outcome.result.former_salt) == ("s" * 43, before)
        event = AuditEvent.objects.latest("pk")
        assert (event.action, event.before, event.after) == ("notices.secret.draw", None, None)

    @pytest.mark.parametrize("action", [rules.TEST, rules.RETRY_ALL, rules.DRAW])
    def test_a_rule_that_is_none_is_told(self, action: str) -> None:
        patch = {"salt": "s" * 43} if action == rules.DRAW else {}
        with pytest.raises(NotFound, match="no rule 'nobody'"):
            submit(action, "nobody", patch)


class TestTesting:
    def test_a_test_goes_to_its_rule_alone_even_where_that_is_disabled(self, sent: Sent) -> None:
        ruled(), RuleFactory(name="other"), RuleFactory(name="off", enabled=False, address="https://off.example")
        submit(rules.TEST, "off")
        assert deliver() == "1 delivered, 0 failed."
        assert [parcel.address for parcel in sent] == ["https://off.example"]
        assert "ops tests the rule off. Nothing has happened." in sent[0].body


class TestHeartbeat:
    def test_it_is_told_to_whom_asks_for_it_alone(self, sent: Sent, settings: LazySettings) -> None:
        settings.NOTICE_HEARTBEAT_MINUTES = 15
        RuleFactory()
        assert not services.beat()
        RuleFactory(name="watch", kinds=["heartbeat"], address="https://watch.example")
        assert services.beat()
        deliver()
        assert [parcel.address for parcel in sent] == ["https://watch.example"]
        assert '"every_minutes":15' in sent[0].body

    def test_a_disabled_rule_asks_for_none(self) -> None:
        RuleFactory(kinds=["heartbeat"], enabled=False)
        assert not services.beat()

    def test_one_that_has_not_gone_yet_is_superseded(self, sent: Sent) -> None:
        RuleFactory(kinds=["heartbeat"], address="https://fails.example")
        services.beat()
        deliver()
        services.beat(), services.beat()
        deliver()
        assert [f"{d.status}" for d in NoticeDelivery.objects.order_by("pk")] == ["SUPERSEDED", "WAITING"]
        assert Notice.objects.filter(routed_at=None).count() == 0


class TestRetention:
    @pytest.fixture(autouse=True)
    def _old(self, settings: LazySettings) -> None:
        settings.NOTICE_KEEP_DAYS = 30
        for status in (Status.DELIVERED, Status.DEAD, Status.WAITING):
            ended = None if status == Status.WAITING else NOON
            notice = NoticeFactory(at=NOON, routed_at=NOON)
            DeliveryFactory(notice=notice, status=status, ended_at=ended)
        NoticeFactory(at=NOON), NoticeFactory(at=NOON + dt.timedelta(days=1), routed_at=NOON)

    def _enforce(self, **more: Any) -> list[Any]:
        with clock.at(NOON + dt.timedelta(days=30, seconds=1)):
            return [batch for table, batch in retention.enforce(actor="ops", **more) if table == "notice"]

    def test_removes_old_ones_but_what_is_still_to_be_told(self) -> None:
        assert self._enforce() == [{"notice": 2}]
        assert [f"{d.status}" for d in NoticeDelivery.objects.all()] == ["WAITING"]
        assert Notice.objects.count() == 3
        note = AuditEvent.objects.get(action="notices.retain")
        assert (note.actor, note.target, note.reason) == ("ops", "notice", "older than 30 days")

    def test_a_dry_run_removes_nothing(self) -> None:
        assert self._enforce(dry_run=True) == [{"notice": 2}]
        assert Notice.objects.count() == 5


def test_every_kind_can_be_told_of_by_a_person() -> None:
    """Of each kind a notice with every field that it names makes a sentence."""
    numbers = {"realized_loss", "max_daily_loss", "drop_fraction"}
    for kind in outbox.kinds().values():
        data = {
            name: [1, 2] if name == "reservations" else 1 if name in numbers else f"<{name}>" for name in kind.fields
        }
        title, said = outbox.spoken(NoticeFactory(kind=kind.name, engine="WHOLESALE", data=data))
        assert title == kind.title
        assert len(said) > 20
        assert "{" not in said


def test_a_kind_whose_lever_is_gone_is_told_by_its_name() -> None:
    assert outbox.spoken(NoticeFactory(kind="earthquake", data={})) == ("earthquake", "earthquake")


def test_a_row_that_lacks_a_field_is_told_by_its_title() -> None:
    assert outbox.spoken(NoticeFactory(data={}))[1] == "The kill switch was engaged"
