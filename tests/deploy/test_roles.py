"""The roles of deploy/postgresql: each does all that it must, and none touches what is appended."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.apps import apps
from django.conf import LazySettings
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from rest_framework.test import APIClient

from governance import clock, readiness
from governance.appendonly import AppendOnly
from governance.jobs import kernel, running
from governance.models import ChangeRequest, JobRun, Seal
from governance.trail import sources
from regression.models import KpiEvent
from tests.access.factories import bearing
from tests.deploy.postgresql import FOLDER, as_role, connected, run

pytestmark = [pytest.mark.postgresql, pytest.mark.xdist_group("roles")]  # one installation serves them all
GOVERNANCE = "/api/governance"
REFUSED = "42501"  # insufficient_privilege
APPENDED = sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, AppendOnly))


def post(api: APIClient, place: str, expect: int = 200, **body: Any) -> dict[str, Any]:
    answer = api.post(f"{GOVERNANCE}/{place}", {"actor": "bot", "reason": "drill", **body}, format="json")
    assert answer.status_code == expect, (place, answer.content)
    told: dict[str, Any] = answer.json()
    return told


def refused(statement: str) -> None:
    """Assert that the database refuses a statement for want of a right."""
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = off")  # which some roles begin with, and may change
        with pytest.raises(ProgrammingError) as said, transaction.atomic():
            cursor.execute(statement)
    assert getattr(said.value.__cause__, "sqlstate", None) == REFUSED, statement


def test_the_web_role_does_all_that_the_product_does(
    database: str, settings: LazySettings, capsys: pytest.CaptureFixture[str]
) -> None:
    with connected(as_role(database, "valhalla_web")):
        api = APIClient(SERVER_NAME="localhost")
        assert readiness.checklist()["ok"]
        post(api, "go-live/enable")
        held = post(api, "risk/check-and-reserve", engine="WHOLESALE", amount=100, idempotency_key="k")
        assert held["reason"] == "reserved"
        assert post(api, "risk/check-and-reserve", engine="WHOLESALE", amount=10**12)["reason"] == "would_exceed_policy"
        post(api, "risk/settle", reservation_id=held["reservation_id"], realized_loss=7)
        second = post(api, "risk/check-and-reserve", engine="CAPITAL", amount=100)
        post(api, "risk/release", reservation_id=second["reservation_id"])
        post(api, "risk/policies/upsert", engine="NOTIFY", enabled=True)
        post(api, "heimdall/sandbox/trial", domain="BUYER_MATCH", confidence=0.9, success=True)
        post(api, "heimdall/policies/upsert", domain="BUYER_MATCH", prod_use_enabled=True, min_sandbox_trials=1)
        advice = post(api, "heimdall/recommend", domain="BUYER_MATCH", confidence=0.95)
        assert post(api, f"heimdall/recommendations/{advice['id']}/authorize")["ok"]
        trips = {"domain": "WHOLESALE", "metric": "contract_rate"}
        post(
            api, "regression/policies/upsert", **trips, enabled=True, window_events=2, baseline_events=4,
            min_events_to_enforce=1,
        )  # fmt: skip
        post(api, "regression/kpi", 201, **trips, success=True)
        batch = [{**trips, "success": number < 5} for number in range(7)]
        post(api, "regression/kpi/batch", 201, items=batch, idempotency_key="b")
        assert post(api, "regression/evaluate", **trips)["state"]["triggered"]
        (incident,) = api.get(f"{GOVERNANCE}/regression/incidents").json()["results"]
        post(api, f"regression/incidents/{incident['id']}/acknowledge")
        post(api, "regression/rearm", **trips)
        post(api, f"regression/incidents/{incident['id']}/resolve", cause="REAL_REGRESSION")
        post(api, "risk/policies/upsert", engine="WHOLESALE", enabled=True)
        deal = api.post("/api/deals", {"title": "Pallets", "amount": 5_000, "actor": "bot"})
        assert deal.status_code == 201, deal.content
        post(api, "go-live/kill-switch/engage")
        assert api.get("/api/deals").status_code == 403
        post(api, "go-live/kill-switch/release")
        for place in ("/metrics", "/health/ready", f"{GOVERNANCE}/review", f"{GOVERNANCE}/trail"):
            assert api.get(place).status_code == 200, place
        # Accounts, tokens, four eyes, and the console.
        secrets = {}
        for name, role in (("olga", "operator"), ("petra", "approver")):
            capsys.readouterr()
            call_command("create_account", name, actor="me", reason="drill")
            password = capsys.readouterr().out.split(f"Password of {name}: ")[1].split()[0]
            call_command("set_account", name, give=[role], actor="me", reason="drill")
            capsys.readouterr()
            call_command("issue_token", name, "--ttl=1d", "--actor=me", "--reason=drill")
            secrets[name] = capsys.readouterr().out.split()[-1]
        settings.API_AUTH, settings.FOUR_EYES = "token", True
        olga, petra = (bearing(secrets[name]) for name in ("olga", "petra"))
        post(olga, "risk/policies/upsert", 202, engine="CAPITAL", max_daily_loss=999)
        post(petra, f"changes/{ChangeRequest.objects.get().pk}/approve")
        console = Client(SERVER_NAME="localhost")
        for given, status in (("wrong", 200), (password, 302)):
            answer = console.post("/admin/login/", {"username": "petra", "password": given, "next": "/admin/"})
            assert answer.status_code == status
        assert console.get("/admin/").status_code == 200
        assert console.post("/admin/logout/").status_code in {200, 302}


def test_no_role_that_serves_touches_what_is_appended(database: str) -> None:
    for role in ("valhalla_web", "valhalla_scheduler", "valhalla_auditor", "valhalla_backup"):
        with connected(as_role(database, role)):
            for table in APPENDED:
                refused(f"UPDATE {table} SET tx = 0")  # noqa: S608 -- tables of our own
                refused(f"TRUNCATE {table} CASCADE")
                if (role, table) != ("valhalla_scheduler", "kpi_event"):
                    refused(f"DELETE FROM {table}")  # noqa: S608 -- as above
                refused(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
                refused(f"DROP TRIGGER {table}_no_update ON {table}")
                refused(f"CREATE OR REPLACE TRIGGER {table}_no_update AFTER INSERT ON {table} EXECUTE FUNCTION now()")
            refused("SET session_replication_role = replica")
            refused("CREATE TABLE public.mine (id integer)")
            refused("CREATE TEMPORARY TABLE risk_event (id integer)")
            refused("CREATE OR REPLACE FUNCTION governance_epoch_v1() RETURNS TABLE (value bigint) AS '' LANGUAGE sql")
            refused("DELETE FROM django_migrations")
            refused("SET ROLE valhalla_owner")


def test_the_web_role_neither_seals_nor_runs_jobs(database: str) -> None:
    with connected(as_role(database, "valhalla_web")):
        refused("INSERT INTO audit_seal DEFAULT VALUES")
        refused("INSERT INTO job_run DEFAULT VALUES")
        refused("INSERT INTO auth_group (name) VALUES ('kings')")
        refused("DELETE FROM kpi_event")


def test_the_scheduler_runs_every_job_and_the_auditor_finds_it_well(
    database: str, settings: LazySettings, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.RETENTION_ENABLED, settings.RETENTION_KPI_DAYS = True, 1
    with connected(as_role(database, "valhalla_web")), clock.at(clock.now() - dt.timedelta(days=9)):
        for _event in range(3):
            post(APIClient(SERVER_NAME="localhost"), "regression/kpi", 201, domain="OLD", metric="m", success=True)
    with connected(as_role(database, "valhalla_scheduler")):
        for name in ("seal", *(job.name for job in kernel.every()), "seal"):
            ran = running.run(kernel.named(name), if_due=False)
            assert ran is not None
            assert (ran.outcome, ran.failures) == (JobRun.Outcome.DONE, 0), f"{name}: {ran.detail}"
        assert not KpiEvent.objects.filter(domain="OLD").exists()
        refused("UPDATE auth_user SET is_superuser = true")
        refused("INSERT INTO access_token DEFAULT VALUES")
    with connected(as_role(database, "valhalla_auditor")):
        assert Seal.objects.exists()
        for command in ("verify_ledger", "verify_audit"):
            call_command(command)
        assert "agree" in capsys.readouterr().out
        refused("SELECT password FROM auth_user")
        refused("SELECT * FROM django_session")


def test_the_backup_role_dumps_everything(database: str) -> None:
    dumped = run("pg_dump", "-d", as_role(database, "valhalla_backup"), "--table=public.*")
    for table in (*APPENDED, "auth_user", "access_token"):
        assert f"COPY public.{table} " in dumped


def test_every_table_that_is_appended_or_sealed_is_named_in_the_grants() -> None:
    said = (FOLDER / "grants.sql").read_text()
    revoked = said[said.index("REVOKE UPDATE ON") : said.index("-- Migrations")]
    assert [table for table in APPENDED if table not in revoked] == []
    locked = said[said.index("GRANT MAINTAIN ON") :]
    assert [trail.name for trail in sources.every() if trail.name not in locked] == []
