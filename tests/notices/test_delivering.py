from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import LazySettings

from governance import clock
from governance.changes import Applied, Refused
from governance.errors import Invalid, NotFound
from notices import mail, rules, services
from notices.models import NoticeDelivery
from notices.parcels import Undelivered
from tests.notices.factories import DeliveryFactory, NoticeFactory, RuleFactory, Sent, dead, deliver, ruled, submit
from tests.notices.receiving import Receiver

pytestmark = pytest.mark.django_db
NOON = dt.datetime(2026, 6, 1, 12, tzinfo=dt.UTC)
Status = NoticeDelivery.Status


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


def test_the_receiver_of_a_whole_run_is_served_over_the_wire(receiver: Receiver) -> None:
    ruled(address=receiver.address())
    NoticeFactory(), NoticeFactory()
    assert deliver() == "2 delivered, 0 failed."
    assert len(set(receiver.ids())) == 2
