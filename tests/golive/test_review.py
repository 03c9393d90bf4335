from __future__ import annotations

import datetime as dt

import pytest
from django.conf import LazySettings

from golive import review, services
from governance import clock
from governance.sections import Period, Section
from riskguard.rules import GLOBAL
from tests.riskguard.factories import policy

pytestmark = pytest.mark.usefixtures("live")
HOUR = dt.timedelta(hours=1)


def section() -> Section:
    now = clock.now()
    return review.section(Period(now - HOUR, now + HOUR))


def test_a_site_that_runs_alarms_nobody() -> None:
    told = section()
    assert (told.name, told.data["status"], told.alarms) == ("go_live", "LIVE", [])
    assert [turn["action"] for turn in told.data["turns"]] == ["go_live.enable"]
    assert told.tables[0].rows[0][:3] == ["LIVE", "ops", "go"]


def test_an_engaged_kill_switch_and_a_failing_checklist_are_alarms() -> None:
    services.engage_kill_switch(actor="ops", reason="drill")
    policy(GLOBAL, enabled=False)
    told = section()
    assert told.data["status"] == "KILLED"
    assert "the kill switch is engaged" in told.alarms
    assert any(alarm.startswith("the checklist fails: ") for alarm in told.alarms)
    assert told.tables[1].rows[-1][1:] == ["ops", "kill_switch.engage", "drill"]


def test_enforcement_that_is_off_is_an_alarm(settings: LazySettings) -> None:
    settings.GOVERNANCE_ENFORCED = False
    assert "enforcement is off: nothing is blocked" in section().alarms


def test_turns_count_from_the_start_up_to_the_end() -> None:
    at = clock.now() + 5 * HOUR
    with clock.at(at):
        services.disable(actor="ops", reason="at the start")
    for start, end, counted in ((at, at + HOUR, 1), (at - HOUR, at, 0), (at + HOUR, at + 2 * HOUR, 0)):
        assert len(review.section(Period(start, end)).data["turns"]) == counted
