from __future__ import annotations

import datetime as dt

import pytest
from django.conf import LazySettings
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from rest_framework.test import APIClient

from golive import services
from governance import audit, clock, holds
from governance.jobs import kernel, running
from governance.models import Epoch
from tests.levers import withdrawn

MINUTE = dt.timedelta(minutes=1)
PROBLEM = "application/problem+json"
BROWSER = {"Accept": "text/html"}


@pytest.fixture
def honest(seeded: None) -> Client:
    """Return a client that is answered 500 where a view fails, as a caller is."""
    return Client(raise_request_exception=False)


@pytest.mark.usefixtures("seeded")
class TestTheIndex:
    def test_every_address_that_it_names_answers(self, api: APIClient) -> None:
        told = api.get("/api/governance").json()
        assert told["documentation"] == "http://localhost/docs"
        assert {"go-live-state", "risk-policies", "heimdall-policies", "regression-state", "review"} <= set(
            told["addresses"]
        )
        for address in told["addresses"].values():
            answer = api.get(address, headers={"x-original-uri": "/health"})
            assert answer.status_code in {200, 204, 405}, address

    def test_it_is_read_by_who_may_read(self, api: APIClient, settings: LazySettings) -> None:
        settings.API_AUTH = "token"
        assert api.get("/api/governance").status_code == 401


@pytest.mark.usefixtures("seeded")
class TestTheStatus:
    def test_it_says_where_production_stands(self, api: APIClient, settings: LazySettings) -> None:
        def status() -> str:
            word: str = api.get("/api/system/status").json()["status"]
            return word

        assert status() == "DISABLED"
        services.enable(actor="ops", reason="go", override=True)
        assert status() == "LIVE"
        services.engage_kill_switch(actor="ops", reason="drill")
        assert status() == "KILLED"
        settings.GOVERNANCE_ENFORCED = False
        assert status() == "NOT ENFORCED"

    def test_it_lists_what_the_levers_hold_and_how_the_process_is_set(self, api: APIClient) -> None:
        holds.place(scope="CAPITAL", source="test", code="tripped", reason="rates fell", rank=40)
        told = api.get("/api/system/status").json()
        assert {"scope": "CAPITAL", "code": "tripped", "reason": "rates fell"} in told["held"]
        assert "go_live_disabled" not in {hold["code"] for hold in told["held"]}
        assert (told["api_auth"], told["four_eyes"], told["currency"]) == ("open", False, "USD")
        assert (told["environment"], told["enforced"], told["go_live_enabled"]) == ("production", True, False)

    def test_a_missing_row_is_told_as_such(self, api: APIClient) -> None:
        Epoch.objects.all().delete()
        answer = api.get("/api/system/status")
        assert (answer.status_code, answer.json()["code"]) == (503, "GOVERNANCE_UNAVAILABLE")


class TestHealth:
    def test_the_process_answers_without_a_database(self, api: APIClient) -> None:
        assert api.get("/health").json() == {"ok": True}

    def test_anyone_may_ask(self, api: APIClient, settings: LazySettings, seeded: None) -> None:
        settings.API_AUTH = "token"
        for path in ("/health", "/health/ready"):
            assert api.get(path, REMOTE_ADDR="203.0.113.9").status_code == 200

    def test_ready_says_what_it_found(self, api: APIClient, seeded: None) -> None:
        answer = api.get("/health/ready")
        told = answer.json()
        assert (answer.status_code, told["ok"]) == (200, True)
        assert set(told["checks"]) == {"database", "backend_complete", "packs_installed"}
        assert all(check["ok"] for check in told["checks"].values())
        assert set(told["warnings"]) == {"scheduler", "trail_sealed"}

    def test_ready_while_nobody_runs_the_jobs_but_says_so(self, api: APIClient, seeded: None) -> None:
        told = api.get("/health/ready").json()["warnings"]["scheduler"]
        assert told["ok"] is False
        named = told["detail"].removeprefix("Not run in time: ").partition(".")[0]
        assert set(named.split(", ")) == {job.name for job in kernel.every()}
        for job in kernel.every():
            running.run(job, if_due=False)
        answer = api.get("/health/ready").json()
        assert answer["warnings"]["scheduler"] == {"ok": True, "detail": "Every job is run in time."}
        with clock.at(clock.database_now() + 6 * MINUTE):
            told = api.get("/health/ready").json()["warnings"]["scheduler"]
        assert told["ok"] is False
        assert "seal" in told["detail"]
        assert answer["ok"] is True

    def test_ready_while_the_trail_is_not_sealed_but_says_so(self, api: APIClient, seeded: None) -> None:
        audit.record(action="x", target="y", actor="jo")
        with clock.at(clock.now() + 16 * MINUTE):
            answer = api.get("/health/ready").json()
        assert answer["warnings"]["trail_sealed"]["detail"].startswith("Rows wait to be sealed since 16 minutes.")
        assert (answer["warnings"]["trail_sealed"]["ok"], answer["ok"]) == (False, True)

    def test_not_ready_while_a_migration_is_not_applied(self, api: APIClient, seeded: None) -> None:
        MigrationRecorder.Migration.objects.filter(app="golive", name="0002_seed_state").delete()
        answer = api.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["checks"]["backend_complete"] == {
            "ok": False,
            "detail": "Not migrated: golive.0002_seed_state. Run migrate.",
        }

    def test_not_ready_while_a_seed_row_is_missing(self, api: APIClient, seeded: None) -> None:
        Epoch.objects.all().delete()
        answer = api.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["checks"]["backend_complete"]["detail"] == "Missing: epoch. Run seed_governance."

    def test_not_ready_while_a_lever_has_not_announced_itself(self, api: APIClient, seeded: None) -> None:
        with withdrawn("heimdall"):
            answer = api.get("/health/ready")
        assert answer.status_code == 503
        assert answer.json()["checks"]["packs_installed"]["detail"] == "Not installed: heimdall. See INSTALLED_APPS."


@pytest.mark.django_db(transaction=True)
def test_not_ready_while_the_database_does_not_answer(api: APIClient) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE django_migrations RENAME TO put_away")
        try:
            cursor.execute("CREATE TABLE django_migrations (id integer)")
            answer = api.get("/health/ready")
        finally:
            cursor.execute("DROP TABLE django_migrations")
            cursor.execute("ALTER TABLE put_away RENAME TO django_migrations")
    assert answer.status_code == 503
    told = {"ok": False, "detail": "The database does not answer: the log says why."}
    assert answer.json() == {"ok": False, "checks": {"database": told}, "warnings": {}}


class TestWhatIsNotThere:
    @pytest.fixture(autouse=True)
    def _live(self, live: None) -> None:
        """Let production run, so that the gate is not what refuses."""

    def test_a_machine_is_told_by_a_problem(self, api: APIClient) -> None:
        answer = api.get("/nothing/here")
        assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)
        assert answer.json()["code"] == "not_found"

    def test_a_browser_is_told_by_a_page(self, api: APIClient) -> None:
        answer = api.get("/nothing/here", headers=BROWSER)
        assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")
        assert "There is nothing at this address" in answer.content.decode()

    def test_a_failure_says_nothing_of_the_inside(self, honest: Client) -> None:
        problem = honest.get("/api/fails")
        assert (problem.status_code, problem["Content-Type"]) == (500, PROBLEM)
        assert problem.json()["code"] == "server_error"
        page = honest.get("/api/fails", headers=BROWSER)
        assert (page.status_code, page["Content-Type"]) == (500, "text/html; charset=utf-8")
        for answer in (problem, page):
            assert "secret of the inside" not in answer.content.decode()

    def test_a_host_that_is_not_ours_is_a_malformed_request(self, honest: Client) -> None:
        answer = honest.get("/admin/login/", headers={"Host": "evil.example"})
        assert (answer.status_code, answer["Content-Type"], answer.json()["code"]) == (400, PROBLEM, "invalid")

    def test_a_form_from_another_site_is_forbidden(self) -> None:
        client = Client(enforce_csrf_checks=True)
        answer = client.post("/admin/login/", {"username": "x", "password": "y"}, headers=BROWSER)
        assert answer.status_code == 403
        assert "You may not do this" in answer.content.decode()

    def test_the_front_door_leads_to_the_console(self, api: APIClient) -> None:
        answer = api.get("/")
        assert (answer.status_code, answer["Location"]) == (302, "/admin/")
