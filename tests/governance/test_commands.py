from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from governance.models import AuditEvent
from governance.sections import Section, Table
from governance.shell import operator, submit
from regression.models import RegressionPolicy
from riskguard.models import RiskPolicy
from tests.governance.factories import ChangeRequestFactory
from tests.governance.toys import TURN, toy_lever

pytestmark = pytest.mark.django_db


def run(command: str, *arguments: str, out: io.StringIO | None = None) -> str:
    out = out or io.StringIO()
    call_command(command, *arguments, stdout=out)
    return out.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


# seed_governance


def test_says_that_every_seed_row_is_there() -> None:
    assert run("seed_governance") == "Every seed row is there.\n"


def test_puts_missing_rows_back_and_leaves_edited_ones_alone() -> None:
    RiskPolicy.objects.filter(engine="CAPITAL").delete()
    RiskPolicy.objects.filter(engine="WHOLESALE").update(max_daily_loss=7)
    assert run("seed_governance", "--actor", "jo") == "restored risk_policy CAPITAL\n1 seed row(s) restored.\n"
    assert RiskPolicy.objects.get(engine="WHOLESALE").max_daily_loss == 7
    event = AuditEvent.objects.get(target="CAPITAL")
    assert (event.actor, event.via) == ("jo", "command")


@pytest.mark.parametrize("answer", ["", "y", "no"])
def test_a_reset_asks_and_without_a_yes_changes_nothing(answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    RegressionPolicy.objects.filter(metric="roi_event").update(window_events=60)
    asked: list[str] = []
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or answer)
    with pytest.raises(CommandError, match="Nothing was changed"):
        run("seed_governance", "--reset")
    assert "Type yes to go on" in asked[0]
    assert RegressionPolicy.objects.get(metric="roi_event").window_events == 60


@pytest.mark.parametrize(("arguments", "answer"), [(["--yes"], None), ([], " YES ")])
def test_a_reset_sets_edited_rows_back(
    arguments: list[str], answer: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    RegressionPolicy.objects.filter(metric="roi_event").update(window_events=60)
    monkeypatch.setattr("builtins.input", lambda _question: answer)
    assert "restored regression_policy CAPITAL/roi_event" in run("seed_governance", "--reset", *arguments)
    assert RegressionPolicy.objects.get(metric="roi_event").window_events == 50


# create_first_operator


def test_a_new_installation_gets_one_operator_whose_password_is_printed_once() -> None:
    said = run("create_first_operator")
    found = re.fullmatch(r"First operator: operator   password: (\S{20})   \(shown only now\)\n", said)
    assert found is not None
    user = User.objects.get()
    assert (user.username, user.is_superuser, user.is_staff) == ("operator", True, True)
    assert user.check_password(found[1])
    assert "There is an operator already" in run("create_first_operator", "--username", "other")
    assert User.objects.count() == 1


def test_an_account_that_is_there_is_not_taken_over() -> None:
    User.objects.create_user("operator")
    with pytest.raises(CommandError, match="operator is an account already: say --username NAME"):
        run("create_first_operator")
    assert not User.objects.filter(is_superuser=True).exists()
    assert "First operator: boss" in run("create_first_operator", "--username", "boss")


# control_plane_review


@pytest.mark.sqlite
def test_the_review_is_printed_as_json() -> None:
    told = json.loads(run("control_plane_review", "--json", "--days", "3"))
    assert {"from", "to", "healthy", "alarms", "sections"} <= told.keys()
    assert {"governance", "go_live", "risk", "heimdall", "regression"} <= told["sections"].keys()


@pytest.mark.sqlite
def test_the_review_is_printed_as_tables_that_end_in_what_to_look_at() -> None:
    change = ChangeRequestFactory(reason="[bold]more[/bold] room")
    said = run("control_plane_review")
    assert "Control plane review" in said
    assert "Ledger of today against its caps" in said
    assert f"#{change.pk} risk.policy.set" in said
    assert "[bold]more[/bold] room" in said
    assert said.index("To look at") < said.index("- Holds and changes: 1 change(s) wait for a second person")
    assert said.index("To look at") < said.index("The last decision") < said.index("No review has been recorded yet")
    assert "\x1b[" not in said


@pytest.mark.sqlite
def test_a_decision_is_recorded_from_the_shell_and_shown_with_the_next_review() -> None:
    said = run("control_plane_review", "--decide", "watch", "--actor", "olga", "--reason", "the [feed] is slow")
    assert re.fullmatch(r"Recorded: \d{4}-\d\d-\d\d watch, by olga\. \d+ thing\(s\) stood to be looked at\.\n", said)
    assert "watch, by olga: the [feed] is slow" in " ".join(run("control_plane_review").split())
    assert json.loads(run("control_plane_review", "--json"))["decision"]["note"] == "the [feed] is slow"
    assert AuditEvent.objects.get(action="review.decide").via == "command"


def test_a_decision_without_a_note_is_refused_in_the_shell() -> None:
    with pytest.raises(CommandError, match="Say why") as refused:
        run("control_plane_review", "--decide", "healthy", "--actor", "olga")
    assert refused.value.returncode == 1


@pytest.mark.sqlite
def test_a_terminal_gets_colours() -> None:
    assert "\x1b[" in run("control_plane_review", out=Terminal())


def test_a_table_without_rows_says_so_and_a_quiet_one_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    tables = [Table("Rows", ["A"], [], "None at all."), Table("Quiet", ["A"], [], "")]
    monkeypatch.setattr("governance.review.sections", lambda _period: [Section("toy", "Toy", {}, tables)])
    said = run("control_plane_review")
    assert "Rows: None at all." in said
    assert "Quiet" not in said
    assert "Nothing needs a person." in said


@pytest.mark.parametrize("days", ["0", "367", "-1", "x"])
def test_an_odd_number_of_days_is_refused(days: str) -> None:
    with pytest.raises(CommandError, match="days"):
        run("control_plane_review", f"--days={days}")


# The door from a shell


def _submit(**more: Any) -> Any:
    return submit(**{"action": TURN, "target": "a", "patch": {"low": 1}, "actor": "jo", "reason": "r", **more})


def test_a_command_that_is_applied_returns_what_it_made() -> None:
    with toy_lever():
        assert _submit() == {"low": 1, "high": 5}
    assert AuditEvent.objects.get().via == "command"


@pytest.mark.usefixtures("_four_eyes")
@pytest.mark.parametrize(
    ("asked", "said", "status"),
    [
        ({"patch": {"low": 0}}, r"Refused \(too_low\): Nothing is left\.", 1),
        ({"patch": {"low": 10}}, "low: Must be a whole number", 1),
        ({"action": "toy.none"}, "No lever offers an action called 'toy.none'", 1),
        ({"patch": {"high": 9}}, r"Waits for a second person: change request \d+\.", 4),
    ],
)
def test_the_exit_status_tells_the_outcome(asked: dict[str, Any], said: str, status: int) -> None:
    with toy_lever(), pytest.raises(CommandError, match=said) as raised:
        _submit(**asked)
    assert raised.value.returncode == status


def test_who_is_not_named_is_the_shells_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "shelly")
    assert (operator(""), operator("jo")) == ("shelly", "jo")

    def nobody() -> str:
        raise KeyError("uid")

    monkeypatch.setattr("getpass.getuser", nobody)
    with pytest.raises(CommandError, match="say --actor NAME"):
        operator("")
