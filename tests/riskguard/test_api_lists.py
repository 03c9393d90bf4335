from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from riskguard import services
from riskguard.rules import CAPS, GLOBAL
from tests.riskguard.asking import RISK
from tests.riskguard.factories import (
    DAY,
    NOON,
    TODAY,
    EventFactory,
    LedgerDayFactory,
    PolicyFactory,
    ReservationFactory,
    policy,
    reserved,
    uncapped,
)
from tests.tables import tables

pytestmark = pytest.mark.usefixtures("live")


@pytest.fixture(autouse=True)
def _no_caps(live: None) -> None:
    uncapped("WHOLESALE", "CAPITAL")


def test_policies_are_a_bare_list_in_currency_units_global_first(api: APIClient) -> None:
    policy("WHOLESALE", max_daily_loss=25_000, max_open_risk=1_234, max_actions_per_day=7)
    told = api.get(RISK + "policies").json()
    assert [row["engine"] for row in told] == [GLOBAL, "CAPITAL", "NOTIFY", "WHOLESALE"]
    row = told[-1]
    assert set(row) == {
        "engine",
        *CAPS,
        "currency",
        "enabled",
        "changed_by",
        "reason",
        "updated_at",
        "until",
        "retired",
    }
    assert (row["max_daily_loss"], row["max_open_risk"], row["max_actions_per_day"]) == (250, 12.34, 7)
    assert (row["max_daily_exposure"], row["enabled"], row["changed_by"]) == (None, True, "ops")


def test_todays_ledger_is_a_bare_list_that_writes_nothing(api: APIClient) -> None:
    policy("WHOLESALE", max_daily_exposure=100_000, max_actions_per_day=3)
    reserved(amount=12_34)
    before = tables()
    told = api.get(RISK + "ledger/today").json()
    assert tables() == before
    row = next(row for row in told if row["engine"] == "WHOLESALE")
    assert row == {
        "day": "2026-11-24", "engine": "WHOLESALE", "currency": "USD", "exposure_used": 12.34,
        "open_risk_reserved": 12.34, "realized_loss": 0, "actions_count": 1, "max_daily_loss": None,
        "max_daily_exposure": 1_000, "max_open_risk": None, "max_amount_per_action": None, "max_actions_per_day": 3,
        "max_actions_per_minute": None, "loss_left": None, "exposure_left": 987.66, "open_risk_left": None,
        "actions_left": 2, "policy_enabled": True, "policy_reason": "tests",
    }  # fmt: skip


def test_a_reservation_is_shown_in_minor_units(api: APIClient) -> None:
    held = reserved(amount=50_000, correlation_id="deal-7")
    told = api.get(f"{RISK}reservations/{held.pk}").json()
    assert (told["id"], told["engine"], told["amount"], told["status"]) == (held.pk, "WHOLESALE", 50_000, "OPEN")
    assert (told["day"], told["correlation_id"], told["needs_review"]) == ("2026-11-24", "deal-7", False)
    assert api.get(RISK + "reservations/987654").status_code == 404
    assert api.get(RISK + "reservations/none").status_code == 404


@pytest.mark.parametrize("path", ["policies", "ledger/today", "ledger", "reservations", "events"])
def test_a_list_asks_the_same_number_of_queries_at_one_row_and_at_ten(path: str, api: APIClient) -> None:
    def queries(rows: int) -> int:
        for number in range(rows):
            held = ReservationFactory(engine=f"E{rows}{number}")
            EventFactory(engine=held.engine, reservation=held)
            LedgerDayFactory(engine=held.engine)
            PolicyFactory(engine=held.engine)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            answer = api.get(RISK + path)
        told = answer.json()
        assert len(told if isinstance(told, list) else told["results"]) >= rows
        return len(seen)

    api.get(RISK + path)
    assert queries(1) == queries(10)


@pytest.mark.parametrize("path", ["ledger", "reservations", "events"])
def test_a_history_is_paginated_by_cursor_the_newest_first(path: str, api: APIClient) -> None:
    make = {"ledger": LedgerDayFactory, "reservations": ReservationFactory, "events": EventFactory}[path]
    made = [make(engine=f"E{number}").engine for number in range(5)]
    seen, address = [], f"{RISK}{path}?page_size=2"
    while address:
        told = api.get(address).json()
        assert len(told["results"]) <= 2
        seen += [row["engine"] for row in told["results"]]
        address = told["next"]
    assert seen == made[::-1]


@pytest.mark.parametrize(
    ("path", "query", "found"),
    [
        ("ledger", "engine=CAPITAL", 2),
        ("ledger", "day=2026-11-24", 2),
        ("ledger", "day_from=2026-11-24", 3),
        ("ledger", "day_to=2026-11-24", 2),
        ("ledger", "engine=CAPITAL&day_from=2026-11-25", 1),
        ("reservations", "engine=CAPITAL", 1),
        ("reservations", "status=EXPIRED", 1),
        ("reservations", "day=2026-11-25", 1),
        ("reservations", "actor=bot", 2),
        ("reservations", "correlation_id=deal-7", 1),
        ("reservations", "needs_review=true", 1),
        ("events", "engine=CAPITAL", 1),
        ("events", "kind=DENY", 2),
        ("events", "reason=busy", 1),
        ("events", "day=2026-11-24", 2),
        ("events", "actor=other", 1),
        ("events", "policy=GLOBAL", 1),
        ("events", "cap=max_open_risk", 1),
        ("events", "correlation_id=deal-7", 1),
        ("events", "since=2026-11-25T00:00:00Z", 1),
        ("events", "until=2026-11-25T00:00:00Z", 2),
        ("events", "engine=NONE", 0),
    ],
)
def test_a_history_can_be_narrowed(path: str, query: str, found: int, api: APIClient) -> None:
    LedgerDayFactory(engine="CAPITAL"), LedgerDayFactory(engine="WHOLESALE")
    LedgerDayFactory(engine="CAPITAL", day=TODAY + DAY)
    ReservationFactory(engine="CAPITAL", actor="other"), ReservationFactory(correlation_id="deal-7", day=TODAY + DAY)
    ReservationFactory(status="EXPIRED", needs_review=True, closed_at=NOON, closed_day=TODAY)
    EventFactory(engine="CAPITAL", actor="other", policy=GLOBAL, cap="max_open_risk")
    EventFactory(reason="busy", correlation_id="deal-7")
    EventFactory(kind="SETTLE", reason="settled", day=TODAY + DAY, at=NOON + DAY)
    assert len(api.get(f"{RISK}{path}?{query}").json()["results"]) == found


def test_events_can_be_narrowed_to_one_reservation(api: APIClient) -> None:
    held = reserved()
    reserved()
    services.settle(reservation_id=held.pk, realized_loss=0, actor="bot")
    told = api.get(f"{RISK}events?reservation={held.pk}").json()["results"]
    assert [row["kind"] for row in told] == ["SETTLE", "RESERVE"]


@pytest.mark.parametrize("query", ["day=yesterday", "status=GONE"])
def test_an_odd_filter_is_a_400(query: str, api: APIClient) -> None:
    ReservationFactory()
    assert api.get(f"{RISK}reservations?{query}").status_code == 400


@pytest.mark.sqlite  # what has no address never reaches the database
@pytest.mark.parametrize("path", ["policies", "ledger/today", "ledger", "reservations", "events"])
def test_what_is_read_cannot_be_written(path: str, api: APIClient) -> None:
    before = tables()
    for method in ("put", "patch", "delete", "post"):
        assert getattr(api, method)(RISK + path, {}).status_code in {401, 403, 405}, method
    assert tables() == before
