"""The figures that the ledger is recomputed to, without the command around them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance import clock
from riskguard import services, verification
from riskguard.rules import GLOBAL
from riskguard.verification import Difference
from tests.riskguard.factories import DAY, NOON, TODAY, EventFactory, LedgerDayFactory, reserved, uncapped

pytestmark = pytest.mark.usefixtures("live")


def test_nothing_recorded_is_no_difference() -> None:
    assert list(verification.differences()) == []


def test_open_risk_runs_on_over_days_without_a_row() -> None:
    uncapped("WHOLESALE", "CAPITAL")
    held = reserved("WHOLESALE", 700)
    for days in (2, 3, 7):
        with clock.at(NOON + days * DAY):
            reserved("CAPITAL", 1)
    with clock.at(NOON + 8 * DAY):
        services.settle(reservation_id=held.pk, realized_loss=1, actor="bot")
    assert list(verification.differences()) == []


def test_refusals_on_a_day_without_a_row_are_no_difference() -> None:
    EventFactory(engine="UNKNOWN")
    assert list(verification.differences()) == []


def test_a_row_without_anything_behind_it_differs_by_both_sources() -> None:
    LedgerDayFactory(engine="WHOLESALE", open_risk_reserved=5)
    assert list(verification.differences()) == [
        Difference(TODAY, "WHOLESALE", "open_risk_reserved", 5, 0, "reservations"),
        Difference(TODAY, "WHOLESALE", "open_risk_reserved", 5, 0, "events"),
    ]


def test_a_day_without_global_differs_from_the_sum_of_its_engines() -> None:
    uncapped("WHOLESALE")
    reserved("WHOLESALE", 5)
    LedgerDayFactory._meta.model.objects.filter(engine=GLOBAL).delete()
    assert {(one.engine, one.counter, one.recorded, one.computed) for one in verification.differences()} == {
        (GLOBAL, "exposure_used", 0, 5),
        (GLOBAL, "open_risk_reserved", 0, 5),
        (GLOBAL, "actions_count", 0, 1),
    }


@given(figure=st.integers(0, 10**15), other=st.integers(0, 10**15))
def test_a_difference_reads_as_one_line(figure: int, other: int) -> None:
    line = str(Difference(TODAY, "WHOLESALE", "exposure_used", figure, other, "events"))
    assert line == f"2026-11-24 WHOLESALE exposure_used: the ledger says {figure}, the events say {other}"
