from __future__ import annotations

import io

import pytest
from django.core.management import CommandError, call_command

from governance.models import AuditEvent
from regression.models import RegressionPolicy, RegressionState
from tests.regression.factories import PolicyFactory, arm, record, record_at_once, tripped

pytestmark = pytest.mark.django_db


def _run(*arguments: str) -> str:
    out = io.StringIO()
    call_command("evaluate_tripwires", "--actor", "cron", *arguments, stdout=out)
    return out.getvalue()


def test_says_that_none_is_enabled() -> None:
    assert _run().startswith("No such tripwire is enabled: enable one")
    assert not RegressionState.objects.exists()


def test_evaluates_every_enabled_tripwire_and_prints_a_line_for_each() -> None:
    arm(domain="WHOLESALE", metric="contract_rate")
    PolicyFactory()
    record("SSF")
    first, second = _run().splitlines()
    assert first.startswith("OFFERS/signed: not triggered baseline 0.6667 current 0.6667 drop 0. Waiting for events")
    assert second == "WHOLESALE/contract_rate: not triggered baseline - current - drop 0. No event is recorded yet."
    assert RegressionState.objects.count() == 2


def test_one_that_is_triggered_is_told_by_the_exit_status() -> None:
    tripped()
    arm(domain="WHOLESALE", metric="contract_rate")
    with pytest.raises(CommandError, match=r"Triggered: OFFERS/signed\. Mend the cause, then re-arm") as raised:
        _run()
    assert raised.value.returncode == 3


def test_an_evaluation_by_command_pulls_the_lever() -> None:
    PolicyFactory(enabled=False)
    record_at_once("SSSSSSSSFFFF")
    RegressionPolicy.objects.filter(domain="OFFERS").update(enabled=True)
    with pytest.raises(CommandError):
        _run()
    assert AuditEvent.objects.get(action="risk.policy.set").via == "tripwire"


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        (["--domain", "offers"], 2),
        (["--domain", "OFFERS", "--metric", "Signed"], 1),
        (["--metric", "signed"], 2),
        (["--domain", "NOBODY"], 1),
    ],
)
def test_narrows_to_a_domain_and_a_metric(arguments: list[str], lines: int) -> None:
    PolicyFactory()
    PolicyFactory(metric="other")
    PolicyFactory(domain="ANOTHER")
    out = _run(*arguments)
    assert len(out.splitlines()) == lines
    assert ("No such tripwire" in out) is ("NOBODY" in arguments)


def test_an_odd_name_is_refused() -> None:
    with pytest.raises(CommandError, match="domain"):
        _run("--domain", "A B")
