"""What the gate cannot read it refuses; what a refusal costs, and how it looks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from golive import services
from golive.models import GoLiveState
from governance import seeds
from governance.models import Epoch
from tests.valhalla.gating import GATED, ROUND, hold, refusal


class TestWhatCannotBeRead:
    @pytest.fixture(params=["the row is missing", "the epoch is missing"])
    def _missing(self, live: None, request: pytest.FixtureRequest) -> None:
        model = GoLiveState if "row" in request.param else Epoch
        model.objects.all().delete()

    @pytest.mark.usefixtures("_missing")
    def test_every_path_but_the_exempt_ones_is_refused(self, api: APIClient) -> None:
        for path in [*GATED, *ROUND]:
            answer = api.get(path)
            assert refusal(answer) == (503, "GOVERNANCE_UNAVAILABLE"), path
            assert answer["Retry-After"] == "1", path

    @pytest.mark.usefixtures("_missing")
    def test_the_exempt_paths_that_need_no_state_are_answered(self, api: APIClient) -> None:
        assert api.get("/health").status_code == 200
        assert api.get("/docs").status_code == 200
        assert api.get("/health/ready").status_code == 503

    @pytest.mark.usefixtures("_missing")
    def test_restoring_the_seeds_opens_the_gate_no_further_than_it_was(self, api: APIClient) -> None:
        restored = seeds.restore(actor="ops")
        answer = api.get("/api/deals")
        assert restored in (["go_live_state"], ["epoch"])
        assert answer.status_code == (403 if restored == ["go_live_state"] else 200)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("table", ["go_live_state", "governance_epoch", "hold"])
def test_a_missing_table_refuses_everything(
    api: APIClient, table: str, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    request.getfixturevalue("live")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} RENAME TO put_away")
    try:
        for path in GATED:
            answer = api.get(path)
            assert refusal(answer) == (503, "GOVERNANCE_UNAVAILABLE")
            assert table not in answer.content.decode()
        assert api.get("/health").status_code == 200
    finally:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE put_away RENAME TO {table}")
    assert "The go-live state cannot be read" in caplog.text
    assert api.get("/api/unlabelled").status_code == 200


@pytest.mark.usefixtures("live")
def test_without_the_first_middleware_the_second_lets_nothing_pass(settings: LazySettings) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith(".GoLiveMiddleware")]
    client = Client(raise_request_exception=False)
    assert client.get("/api/unlabelled").status_code == 500
    assert client.get("/health").status_code == 200


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize(
    ("path", "queries"), [("/api/unlabelled", 1), ("/api/capital/1", 1), ("/nothing/here", 1), ("/health", 0)]
)
def test_a_gated_request_costs_one_query_and_an_exempt_one_none(api: APIClient, path: str, queries: int) -> None:
    hold("BUYER_MATCH")
    with CaptureQueriesContext(connection) as seen:
        api.get(path)
    assert len(seen) == queries


@pytest.mark.usefixtures("killed")
@pytest.mark.parametrize("path", ["/api/deals", "/api/misspelt"])
def test_a_refusal_costs_one_query(api: APIClient, path: str) -> None:
    with CaptureQueriesContext(connection) as seen:
        assert api.get(path).status_code == 403
    assert len(seen) == 1


def _disabled() -> None:
    services.disable(actor="ops", reason="<b>maintenance</b>")


def _unreadable() -> None:
    GoLiveState.objects.all().delete()


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize(
    ("stop", "status", "code"),
    [
        (_disabled, 403, "GO_LIVE_DISABLED"),
        (lambda: services.engage_kill_switch(actor="ops", reason="<b>drill</b>"), 403, "KILL_SWITCH_ENGAGED"),
        (lambda: hold("WHOLESALE"), 403, "ENGINE_HELD"),
        (_unreadable, 503, "GOVERNANCE_UNAVAILABLE"),
    ],
)
def test_a_browser_gets_a_page_and_a_machine_the_problem(
    api: APIClient, stop: Callable[[], None], status: int, code: str
) -> None:
    stop()
    page = api.get("/api/deals", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert (page.status_code, page["Content-Type"]) == (status, "text/html; charset=utf-8")
    text = page.content.decode()
    for told in (code, "PROD_EXEC", "/api/deals"):
        assert told in text
    assert "<b>" not in text
    for accept in ("*/*", "application/json", ""):
        assert refusal(api.get("/api/deals", headers={"Accept": accept})) == (status, code)
    assert "Accept" in page["Vary"]
    assert page["Cache-Control"] == "no-store"
