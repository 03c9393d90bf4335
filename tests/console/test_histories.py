from __future__ import annotations

import csv
import datetime as dt
import io
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.http import StreamingHttpResponse
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import DjangoAssertNumQueries

from governance import clock
from governance.console import histories
from governance.console.histories import HistoryScreen
from riskguard.models import RiskEvent
from tests.console.asking import asked, listed
from tests.console.conftest import SignedIn
from tests.riskguard.factories import NOON, EventFactory, ReservationFactory, go_live, reserve, reserved, settled
from tests.rows import ROWS

# What a page says and asks for is the same on every database: such a test runs on one.
pytestmark = pytest.mark.django_db
SCREENS = [screen for screen in admin.site._registry.values() if isinstance(screen, HistoryScreen)]
EVENTS = "/admin/riskguard/riskevent/"
by_model = {"ids": lambda screen: screen.opts.label}
DAY = dt.timedelta(days=1)


def exported(browser: Client, form: str, address: str = EVENTS, **query: Any) -> str:
    response = browser.get(f"{address}export/{form}/", query)
    assert isinstance(response, StreamingHttpResponse)
    assert response.status_code == 200
    return response.getvalue().decode()


@pytest.mark.sqlite
@pytest.mark.parametrize("screen", SCREENS, **by_model)
def test_a_history_neither_counts_its_rows_nor_asks_what_values_there_are(
    screen: HistoryScreen, signed_in: SignedIn, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    ROWS[screen.model]()
    browser = signed_in("auditor")
    address = reverse(f"admin:{screen.opts.app_label}_{screen.opts.model_name}_changelist")
    with django_assert_max_num_queries(40) as seen:
        assert browser.get(address).status_code == 200
    of_the_table = [query["sql"] for query in seen if f'FROM "{screen.opts.db_table}"' in query["sql"]]
    assert of_the_table
    assert not [sql for sql in of_the_table if "COUNT(" in sql or "DISTINCT" in sql or "LIMIT" not in sql]


@pytest.mark.postgresql  # which refuses to compare what SQLite lets pass
@pytest.mark.parametrize("screen", SCREENS, **by_model)
def test_every_filter_takes_what_is_typed_and_nonsense_finds_nothing(
    screen: HistoryScreen, signed_in: SignedIn
) -> None:
    ROWS[screen.model]()
    browser = signed_in("auditor", "administrator")
    address = reverse(f"admin:{screen.opts.app_label}_{screen.opts.model_name}_changelist")
    specs = asked(browser, address).context_data["cl"].filter_specs
    whole = exported(browser, "json", address)
    names, nonsense = [name for spec in specs for name in spec.expected_parameters()], {}
    for name in names:
        value = {"day_from": "2999-01-01", "day_to": "1999-01-01"}.get(name, "77")
        if "__" not in name:
            nonsense[name] = value
            assert json.loads(exported(browser, "json", address, **{name: value})) == [], name
    # What is left empty narrows nothing.
    assert exported(browser, "json", address, **dict.fromkeys(names, "")) == whole
    # What is typed finds the same in the list as in a file, and stands in its boxes.
    assert not browser.get(address, nonsense).context["cl"].result_list
    assert json.loads(whole)
    assert listed(browser, address, q="no such thing") == []
    assert browser.get(f"{address}?q=a%00b").status_code == 400
    assert browser.get(f"{address}export/csv/?actor=a%00b").status_code == 400


def test_decisions_are_narrowed_by_engine_day_reason_actor_and_correlation(viewer: Client) -> None:
    with clock.at(NOON):
        wanted = EventFactory(engine="CAPITAL", reason="busy", actor="amy", correlation_id="deal-7", at=NOON)
    EventFactory(at=NOON - DAY)
    EventFactory(at=NOON + DAY)
    for narrowed in (
        {"engine": " capital"},
        {"day_from": "2026-11-24", "day_to": "2026-11-24"},
        {"reason": "busy"},
        {"actor": "amy"},
        {"correlation_id": "deal-7"},
        {"q": "deal-7"},
        {"q": str(wanted.pk)},
        {"actor": "amy", "day_from": "2026-11-24", "kind__exact": "DENY"},
    ):
        assert listed(viewer, EVENTS, **narrowed) == [wanted], narrowed
    for nonsense in ("2026-13-01", "9999-12-31", "0000", "x"):
        assert listed(viewer, EVENTS, day_to=nonsense, day_from=nonsense) == []


def test_what_no_index_finds_is_looked_for_among_the_newest_which_is_said(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(histories, "LOOKED_THROUGH", 2)
    old = EventFactory(actor="amy", at=NOON - 9 * DAY, correlation_id="deal-7", engine="CAPITAL")
    for hours in range(3):
        EventFactory(at=NOON + hours * dt.timedelta(hours=1))
    assert listed(viewer, EVENTS, actor="amy") == []
    assert "Only the newest 2 rows were looked through" in viewer.get(EVENTS, {"actor": "amy"}).content.decode()
    assert listed(viewer, EVENTS, actor="amy", day_to="2026-11-20") == [old]
    # An index finds these, however old they are.
    assert listed(viewer, EVENTS, engine="CAPITAL") == [old]
    assert listed(viewer, EVENTS, actor="amy", correlation_id="deal-7") == [old]
    # And a file leaves nothing out.
    assert len(json.loads(exported(viewer, "json", actor="amy"))) == 1


def test_an_open_reservation_is_found_however_old_it_is(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "LOOKED_THROUGH", 1)
    old = ReservationFactory(expires_at=NOON)
    go_live()
    for _number in range(3):
        settled("WHOLESALE")
    address = "/admin/riskguard/riskreservation/"
    assert listed(viewer, address, status__exact="OPEN") == [old]
    assert listed(viewer, address, status__exact="RELEASED") == []


@pytest.mark.sqlite
def test_pages_are_turned_and_end_where_one_narrows_instead(viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(histories, "PAGES", 2)
    monkeypatch.setattr(histories.HistoryList, "last_page", 2)
    monkeypatch.setattr(admin.site._registry[RiskEvent], "list_per_page", 2)
    made = [EventFactory() for _number in range(5)][::-1]
    first = viewer.get(EVENTS).content.decode()
    assert "?p=2" in first
    assert "Newer" not in first
    assert listed(viewer, EVENTS, p="2") == made[2:4]
    last = viewer.get(EVENTS, {"p": "2"}).content.decode()
    assert "Newer" in last
    assert "Older" not in last
    assert "Choose days to look further back" in last
    assert viewer.get(EVENTS, {"p": "3"}).status_code == 302


def test_a_file_holds_what_is_filtered_in_units_that_its_columns_name(viewer: Client) -> None:
    go_live()
    held = reserved("WHOLESALE", 12_345, correlation_id="deal-7")
    reserve("WHOLESALE", 10**12)
    reserve("NOTIFY")
    rows = list(csv.DictReader(io.StringIO(exported(viewer, "csv", engine="WHOLESALE"))))
    assert [row["kind"] for row in rows] == ["DENY", "RESERVE"]
    assert rows[1]["amount_usd"] == "123.45"
    assert rows[1]["exposure_delta"] == "123.45"
    assert rows[1]["reservation_id"] == str(held.pk)
    assert rows[0]["cap"] == "max_daily_exposure"
    assert rows[0]["limit"] == "1500"
    assert dt.datetime.fromisoformat(rows[1]["at"]).tzinfo is not None
    told = json.loads(exported(viewer, "json", kind__exact="RESERVE"))
    assert [row["amount_usd"] for row in told] == [123.45]
    assert told[0]["figures"]["WHOLESALE"]["exposure_used"] == 12_345
    assert json.loads(exported(viewer, "json", engine="NONE")) == []
    assert exported(viewer, "csv", engine="NONE").count("\n") == 1


@pytest.mark.sqlite
@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_executes_no_cell(viewer: Client, text: str) -> None:
    EventFactory(actor=text, correlation_id=text)
    (row,) = csv.DictReader(io.StringIO(exported(viewer, "csv"), newline=""))
    assert row["actor"] == row["correlation_id"] == f"'{text}"
    assert json.loads(exported(viewer, "json"))[0]["actor"] == text


def test_a_file_is_streamed_in_pieces_whose_rows_are_never_all_in_memory(
    viewer: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("governance.console.exports.PIECE", 2)
    for _number in range(5):
        EventFactory()
    response = viewer.get(f"{EVENTS}export/csv/")
    assert isinstance(response, StreamingHttpResponse)
    pieces = list(response.streaming_content)
    assert [piece.count(b"\n") for piece in pieces] == [1, 2, 2, 1]
    assert "attachment; filename=" in response["Content-Disposition"]
    assert "no-store" in response["Cache-Control"]


@pytest.mark.sqlite
def test_files_are_given_to_whom_the_list_is_shown_alone(signed_in: SignedIn, viewer: Client) -> None:
    trail = "/admin/governance/auditevent/"
    assert viewer.get(f"{trail}export/csv/").status_code == 403
    assert signed_in("auditor", name="au").get(f"{trail}export/csv/").status_code == 200
    assert Client(SERVER_NAME="localhost").get(f"{EVENTS}export/csv/").status_code == 302
    assert viewer.get(f"{EVENTS}export/xml/").status_code == 404
    assert "Export CSV" in viewer.get(EVENTS).content.decode()
    assert f"{EVENTS}export/csv/?{urlencode({'engine': 'X'})}" in viewer.get(EVENTS, {"engine": "X"}).content.decode()


@pytest.mark.sqlite
def test_the_order_that_a_person_chose_is_kept_for_their_session(viewer: Client, signed_in: SignedIn) -> None:
    policies = "/admin/riskguard/riskpolicy/"

    def engines(browser: Client, **query: str) -> list[str]:
        return [row.engine for row in browser.get(policies, query).context["cl"].result_list]

    usual = engines(viewer)
    assert engines(viewer, o="-0") == usual[::-1]
    assert engines(viewer) == usual[::-1]
    assert engines(viewer, q="WHOLE") == ["WHOLESALE"]
    assert engines(signed_in("viewer", name="other")) == usual
    engines(viewer, o="nonsense")
    assert engines(viewer) == usual[::-1]
    assert engines(viewer, o="0") == usual
    assert engines(viewer) == usual
