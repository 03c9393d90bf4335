from __future__ import annotations

import io

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from standardwebhooks.webhooks import Webhook

from governance.models import JobRun
from notices.models import NoticeDelivery, NoticeRule
from tests.notices.factories import NoticeFactory, RuleFactory, dead
from tests.notices.receiving import Receiver

pytestmark = pytest.mark.django_db
ADDRESS = "https://hooks.example.com/valhalla"


def run(*arguments: str) -> str:
    out = io.StringIO()
    call_command(*arguments, stdout=out, stderr=io.StringIO())
    return out.getvalue()


def notices(*arguments: str) -> str:
    more = [] if arguments[0] in {"rules", "dead"} else ["--actor", "ops", "--reason", "test"]
    return run("notices", *arguments, *more)


def test_a_rule_is_made_changed_and_listed() -> None:
    told = notices("set", "on-call", "--webhook", ADDRESS, "--kinds", "job.failed, heartbeat", "--engines", "capital")
    assert told == "on-call: webhook to hooks.example.com; heartbeat, job.failed of CAPITAL; enabled\n"
    notices("set", "on-call", "--disable")
    assert "disabled" in notices("rules")
    assert notices("set", "on-call", "--enable", "--kinds", "*").endswith("* of CAPITAL; enabled\n")
    assert notices("rules").endswith("enabled; 0 waiting, 0 given up, never told\n")


def test_a_rule_can_be_by_mail(settings: LazySettings) -> None:
    settings.EMAIL_URL_IS_SET = True
    told = notices("set", "risk", "--mail", "risk@example.com", "--kinds", "risk.loss_cap_reached, reservation.expired")
    assert told == "risk: mail to risk@example.com; reservation.expired, risk.loss_cap_reached of *; enabled\n"


def test_what_is_odd_is_refused_with_a_sentence() -> None:
    for arguments, said in (
        (["set", "on-call", "--webhook", "http://x.example"], "Must be https"),
        (["set", "on-call", "--mail", "ops@example.com"], "EMAIL_URL names no mail server"),
        (["set", "a b", "--webhook", ADDRESS], "cannot have"),
        (["set"], "Say which rule"),
        (["test", "nobody"], "no rule 'nobody'"),
    ):
        with pytest.raises(CommandError, match=said) as told:
            notices(*arguments)
        assert told.value.returncode == 1


def test_what_tells_less_waits_for_a_second_person(settings: LazySettings) -> None:
    RuleFactory()
    settings.FOUR_EYES = True
    with pytest.raises(CommandError, match="Waits for a second person") as told:
        notices("set", "on-call", "--disable")
    assert told.value.returncode == 4


def test_a_secret_is_printed_once_and_signs_what_is_sent(receiver: Receiver) -> None:
    RuleFactory(address=receiver.address())
    secret = notices("secret", "on-call").strip()
    assert notices("test", "on-call").startswith("A test is on its way: delivery ")
    assert run("deliver_notices") == "1 delivered, 0 failed.\n"
    (letter,) = receiver.letters
    assert Webhook(secret).verify(letter.body, letter.headers)["type"] == "test"
    assert secret not in "".join(str(row) for row in NoticeRule.objects.values_list())


def test_dead_letters_are_listed_and_tried_again() -> None:
    letter = dead()
    assert notices("dead") == f"{letter.pk} on-call: kill_switch.engaged: It answered 500.\n"
    assert notices("retry", "on-call") == "1 dead letter(s) are tried again.\n"
    assert notices("dead") == ""


def test_each_job_can_be_run_by_itself(receiver: Receiver) -> None:
    RuleFactory(address=receiver.address(), kinds=["heartbeat"])
    NoticeFactory()
    assert run("run_job", "heartbeat") == "heartbeat: A heartbeat is on its way.\n"
    assert run("run_job", "deliver") == "deliver: 1 delivered, 0 failed.\n"
    NoticeRule.objects.update(enabled=False)
    assert run("run_job", "heartbeat") == "heartbeat: No rule asks for a heartbeat.\n"
    assert JobRun.objects.filter(outcome="DONE").count() == 2
    assert NoticeDelivery.objects.get().status == "DELIVERED"
