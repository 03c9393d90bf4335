"""UTC days: what counts by the day, what stays open over midnight, and on which day what arrives late counts."""

from __future__ import annotations

import pytest

from governance import clock
from riskguard import selectors, services
from riskguard.models import RiskEvent, RiskLedgerDay
from riskguard.rules import GLOBAL
from tests.riskguard.factories import (
    DAY,
    HOUR,
    NOON,
    SECOND,
    TODAY,
    counters,
    policy,
    reserve,
    reserved,
    settled,
    uncapped,
)
from tests.tables import tables

pytestmark = pytest.mark.usefixtures("live")
LEVELS = [GLOBAL, "WHOLESALE"]


@pytest.fixture(autouse=True)
def _no_caps(live: None) -> None:
    uncapped("WHOLESALE", "CAPITAL")


def test_open_risk_stays_open_over_midnight_and_today_shows_it_before_anything_is_written() -> None:
    reserved(amount=700)
    settled(amount=200, loss=5)
    with clock.at(NOON + DAY):
        before = tables()
        line = next(line for line in selectors.ledger_today() if line.engine == "WHOLESALE")
        assert (line.day, line.usage.open_risk_reserved, line.usage.exposure_used) == (TODAY + DAY, 700, 0)
        assert (line.usage.realized_loss, line.usage.actions_count) == (0, 0)
        assert tables() == before


def test_open_risk_of_yesterday_counts_against_todays_cap_and_exposure_does_not() -> None:
    policy("WHOLESALE", max_open_risk=1_000, max_daily_exposure=1_000)
    reserved(amount=700)
    with clock.at(NOON + 13 * HOUR):
        assert reserve(amount=301).denial.cap == "max_open_risk"  # type: ignore[union-attr]
        reserved(amount=300)
        assert counters(day=TODAY + DAY) == counters(GLOBAL, TODAY + DAY) == (300, 1_000, 0, 1)
    assert counters() == (700, 700, 0, 1)


def test_open_risk_is_carried_over_days_on_which_nothing_happened() -> None:
    reserved("WHOLESALE", 700)
    with clock.at(NOON + 1 * DAY):
        reserved("CAPITAL", 50)
    with clock.at(NOON + 9 * DAY):
        reserved("WHOLESALE", 1)
        assert counters("WHOLESALE", TODAY + 9 * DAY) == (1, 701, 0, 1)
        assert counters(GLOBAL, TODAY + 9 * DAY) == (1, 751, 0, 1)
        assert counters("CAPITAL", TODAY + 9 * DAY) is None


def test_the_day_turns_at_midnight_utc() -> None:
    policy("WHOLESALE", max_daily_exposure=1_000)
    midnight = NOON + 12 * HOUR
    with clock.at(midnight - SECOND / 1_000_000):
        settled(amount=1_000)
        assert not reserve(amount=1).ok
    with clock.at(midnight):
        assert reserve(amount=1_000).reservation.day == TODAY + DAY  # type: ignore[union-attr]


def test_a_loss_counts_on_the_day_it_arrives() -> None:
    policy("WHOLESALE", max_daily_loss=100)
    held = reserved(amount=700)
    with clock.at(NOON + DAY):
        resolution = services.settle(reservation_id=held.pk, realized_loss=100, actor="bot")
        assert resolution.reservation.settled_day == TODAY + DAY
        assert counters(day=TODAY + DAY) == counters(GLOBAL, TODAY + DAY) == (0, 0, 100, 0)
        assert reserve().reason == "loss_cap_reached"
    assert counters() == (700, 700, 0, 1)
    with clock.at(NOON + 2 * DAY):
        assert reserve().ok


def test_a_release_gives_exposure_back_to_its_day_and_open_risk_back_today() -> None:
    held = reserved(amount=700)
    with clock.at(NOON + DAY):
        reserved(amount=5)
        services.release(reservation_id=held.pk, actor="bot")
        assert counters(day=TODAY + DAY) == counters(GLOBAL, TODAY + DAY) == (5, 5, 0, 1)
    assert counters() == counters(GLOBAL) == (0, 700, 0, 1)
    event = RiskEvent.objects.get(kind="RELEASE")
    assert (event.day, event.exposure_day) == (TODAY + DAY, TODAY)


def test_a_clock_that_was_set_back_does_not_open_a_day_again() -> None:
    held = reserved(amount=700)
    with clock.at(NOON + DAY):
        reserved(amount=5)
    with clock.at(NOON - 3 * DAY):
        again = reserved("CAPITAL", 10)
        assert again.day == TODAY + DAY
        services.settle(reservation_id=held.pk, realized_loss=3, actor="bot")
    assert counters(GLOBAL, TODAY + DAY) == (15, 15, 3, 2)
    assert RiskLedgerDay.objects.filter(day__lt=TODAY).count() == 0
    assert {line.day for line in selectors.ledger_today()} == {TODAY + DAY}


def test_todays_ledger_has_a_line_for_every_policy_and_writes_nothing() -> None:
    before = tables()
    lines = selectors.ledger_today()
    assert [line.engine for line in lines] == [GLOBAL, "CAPITAL", "NOTIFY", "WHOLESALE"]
    assert tables() == before


def test_what_is_left_stands_beside_each_cap() -> None:
    policy("WHOLESALE", max_daily_loss=10, max_daily_exposure=1_000, max_open_risk=900, max_actions_per_day=5)
    reserved(amount=300)
    settled(amount=200, loss=11)
    line = next(line for line in selectors.ledger_today() if line.engine == "WHOLESALE")
    assert line.left() == {"loss": 0, "exposure": 500, "open_risk": 600, "actions": 3}
