from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.test.utils import CaptureQueriesContext

from governance import changes, clock, outbox, retention
from governance.changes import Applied, Pending, Refused
from governance.errors import Invalid, NotFound, Unapproved
from governance.happenings import Notice
from governance.models import AuditEvent
from notices import delivering, mail, rules, services, webhooks
from notices.models import NoticeDelivery, NoticeRule
from notices.parcels import Parcel, Undelivered
from tests.notices.factories import DeliveryFactory, NoticeFactory, RuleFactory, dead, ruled
from tests.notices.receiving import Receiver

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
Status = NoticeDelivery.Status
Sent = list[Parcel]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Return what was sent by webhook; an address with "fails" in it takes nothing, and one with "gone" for ever."""
    taken: Sent = []

    def post(parcel: Parcel) -> None:
        taken.append(parcel)
        if "fails" in parcel.address or "gone" in parcel.address:
            raise Undelivered("It answered 500.", final="gone" in parcel.address)
        if "breaks" in parcel.address:
            raise ValueError("no paper")

    monkeypatch.setattr(webhooks, "post", post)
    return taken


def deliver(at: dt.datetime | None = None, seconds: float = 60) -> str:
    if at is None:
        return str(delivering.deliver(seconds=seconds))
    with clock.at(at):
        return str(delivering.deliver(seconds=seconds))


def submit(action: str, target: str, patch: dict[str, Any] | None = None) -> changes.Outcome:
    return changes.submit(action=action, target=target, patch=patch or {}, actor="ops", reason="why")


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


class TestDelivering:
    def test_what_happens_is_told_and_noted(self, sent: Sent) -> None:
        ruled()
        from golive import services as golive

        golive.engage_kill_switch(actor="ops", reason="drill")
        assert deliver() == "1 delivered, 0 failed."
        (parcel,) = sent
        delivery = NoticeDelivery.objects.get()
        assert (delivery.status, delivery.tries, delivery.error) == (Status.DELIVERED, 1, "")
        assert delivery.ended_at is not None
        assert '"type":"kill_switch.engaged"' in parcel.body
        assert deliver() == "0 delivered, 0 failed."

    def test_one_receiver_is_told_in_the_order_in_which_things_happened(self, sent: Sent) -> None:
        RuleFactory()
        uids = [f"msg_{NoticeFactory(at=NOON).uid.hex}" for _ in range(5)]
        deliver()
        assert [parcel.message for parcel in sent] == uids

    def test_a_failure_is_tried_again_after_its_wait_and_given_up_after_twelve_tries(self, sent: Sent) -> None:
        RuleFactory(address="https://fails.example")
        notice = NoticeFactory()
        at = NOON
        for tries in range(1, rules.MOST_TRIES):
            assert deliver(at) == "0 delivered, 1 failed."
            delivery = NoticeDelivery.objects.get()
            assert (delivery.status, delivery.tries, delivery.error) == (Status.WAITING, tries, "It answered 500.")
            assert rules.wait(tries, 0) <= delivery.due_at - at <= rules.wait(tries, 1)
            assert deliver(delivery.due_at - dt.timedelta(seconds=1)) == "0 delivered, 0 failed."
            at = delivery.due_at
        deliver(at)
        delivery = NoticeDelivery.objects.get()
        assert (delivery.status, delivery.tries, delivery.ended_at) == (Status.DEAD, 12, at)
        assert {parcel.message for parcel in sent} == {f"msg_{notice.uid.hex}"}
        assert len(sent) == 12

    def test_what_no_further_try_could_mend_is_given_up_at_once(self, sent: Sent) -> None:
        RuleFactory(address="https://gone.example"), NoticeFactory()
        deliver()
        assert NoticeDelivery.objects.get().status == Status.DEAD

    def test_what_breaks_is_a_failure_and_stops_no_other(self, sent: Sent, caplog: pytest.LogCaptureFixture) -> None:
        RuleFactory(name="a", address="https://breaks.example"), RuleFactory(name="b"), NoticeFactory()
        assert deliver() == "1 delivered, 1 failed."
        assert NoticeDelivery.objects.get(rule__name="a").error == "ValueError: see the log."
        assert "A notice could not be sent" in caplog.text

    def test_a_receiver_that_fails_is_left_alone_for_the_rest_of_the_run(self, sent: Sent) -> None:
        RuleFactory(name="a", address="https://fails.example"), RuleFactory(name="b")
        for _ in range(3):
            NoticeFactory()
        assert deliver() == "3 delivered, 1 failed."

    def test_a_run_ends_with_its_time_and_leaves_the_rest_to_the_next(self, sent: Sent) -> None:
        RuleFactory(), NoticeFactory()
        assert deliver(seconds=0) == "0 delivered, 0 failed."
        assert deliver() == "1 delivered, 0 failed."

    def test_nothing_is_sent_for_a_rule_that_was_disabled_meanwhile(self, sent: Sent) -> None:
        rule = RuleFactory()
        NoticeFactory()
        services.route_some()
        services.set_rule(name=rule.name, patch={"enabled": False}, actor="ops")
        assert deliver() == "0 delivered, 0 failed."
        services.set_rule(name=rule.name, patch={"enabled": True}, actor="ops")
        assert deliver() == "1 delivered, 0 failed."

    def test_mail_and_webhooks_go_side_by_side(self, sent: Sent, settings: LazySettings, mailoutbox: list[Any]) -> None:
        settings.EMAIL_URL_IS_SET = True
        RuleFactory(name="hook"), RuleFactory(name="mail", channel="MAIL", address="ops@example.com, risk@example.com")
        notice = NoticeFactory(kind="tripwire.rearmed", engine="CAPITAL", data={
            "tripwire": "CAPITAL.roi_event", "domain": "CAPITAL", "metric": "roi_event", "actor": "ops",
            "reason": "a\nb",
        })  # fmt: skip
        assert deliver() == "2 delivered, 0 failed."
        (letter,) = mailoutbox
        assert letter.subject == "[Valhalla] A tripwire was re-armed: CAPITAL"
        assert letter.to == ["ops@example.com", "risk@example.com"]
        assert letter.body.startswith("CAPITAL.roi_event was re-armed by ops: a\nb\n\ntripwire.rearmed at ")
        assert letter.extra_headers["Message-ID"] == f"<msg_{notice.uid.hex}@localhost>"

    def test_mail_without_a_server_is_told(self, settings: LazySettings) -> None:
        RuleFactory(channel="MAIL", address="ops@example.com"), NoticeFactory()
        deliver()
        assert NoticeDelivery.objects.get().error == "EMAIL_URL is not set: there is no mail server to send by."

    def test_a_mail_server_that_refuses_is_told_without_its_words(
        self, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import smtplib

        settings.EMAIL_URL_IS_SET = True
        RuleFactory(channel="MAIL", address="ops@example.com"), NoticeFactory(), NoticeFactory()
        errors = [smtplib.SMTPAuthenticationError(535, b"no such password: hunter2"), ConnectionRefusedError()]

        def send(_self: Any) -> None:
            raise errors.pop(0)

        monkeypatch.setattr(mail.EmailMessage, "send", send)
        deliver(), deliver()
        told = NoticeDelivery.objects.order_by("pk").values_list("error", flat=True)
        assert list(told) == ["The mail server answered 535.", "The mail server: ConnectionRefusedError."]


class TestClaiming:
    def test_a_claimed_one_is_nobody_elses_until_the_lease_is_over(self, settings: LazySettings) -> None:
        DeliveryFactory(due_at=NOON)
        with clock.at(NOON):
            claimed = services.claim(without=[])
            assert claimed is not None
            assert services.claim(without=[]) is None
        with clock.at(NOON + dt.timedelta(seconds=29)):
            assert services.claim(without=[]) is None
        with clock.at(NOON + dt.timedelta(seconds=30)):
            again = services.claim(without=[])
        assert again is not None
        assert (claimed.tries, again.tries) == (1, 2)

    def test_who_lost_the_lease_says_nothing_of_a_failure_and_is_believed_of_a_delivery(self) -> None:
        DeliveryFactory(due_at=NOON)
        with clock.at(NOON):
            slow = services.claim(without=[])
        with clock.at(NOON + dt.timedelta(seconds=30)):
            services.claim(without=[])
        assert slow is not None
        services.failed(slow, Undelivered("It answered 410.", final=True))
        assert NoticeDelivery.objects.get().status == Status.WAITING
        services.delivered(slow)
        assert NoticeDelivery.objects.get().status == Status.DELIVERED

    def test_what_was_delivered_stays_so(self) -> None:
        DeliveryFactory(due_at=NOON)
        with clock.at(NOON):
            claimed = services.claim(without=[])
        assert claimed is not None
        services.delivered(claimed)
        services.failed(claimed, Undelivered("late"))
        assert NoticeDelivery.objects.get().status == Status.DELIVERED

    def test_it_waits_for_nobody(self) -> None:
        rule = RuleFactory()
        DeliveryFactory(due_at=NOON, rule=rule)
        with clock.at(NOON):
            assert services.claim(without=[rule.pk]) is None


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


class TestDeadLetters:
    def test_one_is_tried_again_as_often_as_a_new_one(self, sent: Sent) -> None:
        letter = dead()
        assert isinstance(submit(rules.RETRY, str(letter.pk)), Applied)
        letter.refresh_from_db()
        assert (letter.status, letter.tries, letter.ended_at, letter.error) == (Status.WAITING, 0, None, "")
        assert deliver() == "1 delivered, 0 failed."

    def test_only_a_dead_letter_is_tried_again(self) -> None:
        delivery = DeliveryFactory()
        outcome = submit(rules.RETRY, str(delivery.pk))
        assert isinstance(outcome, Refused)
        assert outcome.code == "not_dead"
        with pytest.raises(NotFound, match="no delivery 999"):
            submit(rules.RETRY, "999")
        with pytest.raises(Invalid):
            submit(rules.RETRY, "first")

    def test_all_of_a_rule_are_tried_again_and_no_other(self) -> None:
        dead(), dead(), dead(rule=RuleFactory(name="other")), DeliveryFactory(notice=NoticeFactory())
        outcome = submit(rules.RETRY_ALL, "on-call")
        assert isinstance(outcome, Applied)
        assert outcome.result == 2
        assert NoticeDelivery.objects.dead().get().rule.name == "other"


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


def test_the_receiver_of_a_whole_run_is_served_over_the_wire(receiver: Receiver) -> None:
    ruled(address=receiver.address())
    NoticeFactory(), NoticeFactory()
    assert deliver() == "2 delivered, 0 failed."
    assert len(set(receiver.ids())) == 2
