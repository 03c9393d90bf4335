from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.db import transaction

from governance import clock
from riskguard import ledger, services
from riskguard.models import RiskEvent, RiskLedgerDay, RiskReservation
from riskguard.rules import GLOBAL
from tests.append_only import lifted, raw
from tests.riskguard.factories import (
    DAY,
    HOUR,
    NOON,
    TODAY,
    EventFactory,
    LedgerDayFactory,
    ReservationFactory,
    reserve,
    reserved,
    settled,
    uncapped,
)
from tests.tables import tables

pytestmark = pytest.mark.usefixtures("live")
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def history(live: None, settings: LazySettings) -> None:
    """Three days on which everything happened that can happen to a reservation."""
    settings.VALHALLA_RESERVATION_TTL_SECONDS = 3_600
    uncapped("WHOLESALE", "CAPITAL")
    overnight = reserved("WHOLESALE", 700)
    settled("WHOLESALE", 90, loss=7)
    services.release(reservation_id=reserved("CAPITAL", 40).pk, actor="bot")
    lost = reserved("CAPITAL", 30)
    reserve("UNKNOWN", 5)
    with clock.at(NOON + DAY):
        while services.expire_some():
            pass
        late = reserved("CAPITAL", 11)
    with clock.at(NOON + 2 * DAY):
        services.settle(reservation_id=lost.pk, realized_loss=13, actor="bot")
        services.settle(reservation_id=overnight.pk, realized_loss=0, actor="bot")
        services.release(reservation_id=late.pk, actor="bot")
    reserved("WHOLESALE", 1)


def _verify(capsys: Capture) -> tuple[int, str]:
    try:
        call_command("verify_ledger")
    except SystemExit as ended:
        said = capsys.readouterr()
        assert "difference(s) over" in said.err
        return int(str(ended.code)), said.out
    return 0, capsys.readouterr().out


def test_an_untouched_ledger_agrees(history: None, capsys: Capture) -> None:
    before = tables()
    assert _verify(capsys) == (0, "The ledger agrees: 9 row(s), by reservations and by events.\n")
    assert tables() == before


def test_an_empty_ledger_agrees(capsys: Capture) -> None:
    assert _verify(capsys) == (0, "The ledger agrees: 0 row(s), by reservations and by events.\n")


def _row(engine: str = "WHOLESALE", day: dt.date = TODAY) -> RiskLedgerDay:
    return RiskLedgerDay.objects.get(engine=engine, day=day)


def _change(counter: str, engine: str, day: dt.date) -> Callable[[], None]:
    def tamper() -> None:
        row = _row(engine, day)
        setattr(row, counter, getattr(row, counter) + 1)
        row.save()

    return tamper


def _drop_row(engine: str, day: dt.date) -> Callable[[], None]:
    return lambda: _row(engine, day).delete() and None


def _amount() -> None:
    RiskReservation.objects.filter(amount=90).update(amount=91)


def _loss() -> None:
    RiskReservation.objects.filter(realized_loss=7).update(realized_loss=6)


def _moved() -> None:
    RiskReservation.objects.filter(amount=90).update(day=TODAY + DAY)


def _engine() -> None:
    RiskReservation.objects.filter(amount=90).update(engine="CAPITAL")


def _reopened() -> None:
    settled = RiskReservation.objects.filter(realized_loss=7)
    settled.update(status="OPEN", realized_loss=None, settled_day=None, closed_day=None, closed_at=None)


def _invented() -> None:
    ReservationFactory(engine="WHOLESALE", amount=5)


def _invented_without_a_row() -> None:
    ReservationFactory(engine="OTHER", amount=5, day=TODAY - DAY)


def _event_removed() -> None:
    raw(RiskEvent).filter(pk=RiskEvent.objects.filter(kind="SETTLE").earliest("pk").pk).delete()


def _event_doubled() -> None:
    event = RiskEvent.objects.filter(kind="RESERVE").earliest("pk")
    event.pk, event._state.adding = None, True
    event.save(force_insert=True)


def _event_changed() -> None:
    raw(RiskEvent).filter(kind="RELEASE").update(exposure_delta=0)


def _event_without_a_row() -> None:
    EventFactory(kind="SETTLE", engine="OTHER", loss_delta=5, day=TODAY - DAY)


def _row_invented() -> None:
    LedgerDayFactory(engine="OTHER", exposure_used=5)


COUNTERS = ("exposure_used", "open_risk_reserved", "realized_loss", "actions_count")
TAMPERINGS: dict[str, tuple[Callable[[], None], str]] = {
    **{
        f"{counter} of {engine}, day {late}": (_change(counter, engine, TODAY + late * DAY), f"{engine} {counter}")
        for counter in COUNTERS
        for engine in (GLOBAL, "WHOLESALE")
        for late in (0, 2)
    },
    "a row dropped of the engine": (_drop_row("WHOLESALE", TODAY), "WHOLESALE exposure_used"),
    "a row dropped of GLOBAL": (_drop_row(GLOBAL, TODAY), "GLOBAL exposure_used"),
    "a row dropped that held losses alone": (_drop_row("CAPITAL", TODAY + 2 * DAY), "CAPITAL realized_loss"),
    "a row invented": (_row_invented, "OTHER exposure_used"),
    "a reservation's amount": (_amount, "the reservations say"),
    "a reservation's loss": (_loss, "WHOLESALE realized_loss"),
    "a reservation's day": (_moved, "the reservations say"),
    "a reservation's engine": (_engine, "the reservations say"),
    "a reservation reopened": (_reopened, "WHOLESALE open_risk_reserved"),
    "a reservation invented": (_invented, "WHOLESALE actions_count"),
    "a reservation invented on a day without a row": (_invented_without_a_row, "OTHER exposure_used"),
    "an event removed": (_event_removed, "the events say"),
    "an event doubled": (_event_doubled, "the events say"),
    "an event changed": (_event_changed, "the events say"),
    "an event on a day without a row": (_event_without_a_row, "OTHER realized_loss"),
}


def test_every_kind_of_tampering_is_found(history: None, capsys: Capture) -> None:
    found = {}
    for kind, (tamper, told) in TAMPERINGS.items():
        with transaction.atomic():
            with lifted():
                tamper()
            status, said = _verify(capsys)
            found[kind] = status == 1 and told in said
            transaction.set_rollback(True)
    assert found == dict.fromkeys(TAMPERINGS, True)
    assert _verify(capsys)[0] == 0


def test_a_difference_says_day_engine_counter_and_both_figures(history: None, capsys: Capture) -> None:
    _change("exposure_used", "WHOLESALE", TODAY)()
    assert _verify(capsys)[1].splitlines() == [
        "2026-11-24 WHOLESALE exposure_used: the ledger says 791, the reservations say 790",
        "2026-11-24 WHOLESALE exposure_used: the ledger says 791, the events say 790",
    ]


def test_expire_reservations_expires_what_is_overdue_batch_by_batch(
    settings: LazySettings, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.VALHALLA_RESERVATION_TTL_SECONDS = 3_600
    monkeypatch.setattr(ledger, "EXPIRY_BATCH", 2)
    for _ in range(3):
        reserved(amount=1)
    with clock.at(NOON + HOUR):
        reserved(amount=1)
        call_command("expire_reservations")
        assert capsys.readouterr().out == "2 expired so far\n3 expired so far\n3 reservation(s) expired.\n"
        call_command("expire_reservations")
        assert capsys.readouterr().out == "No reservation is overdue.\n"
    assert RiskReservation.objects.filter(status="EXPIRED", needs_review=True).count() == 3
