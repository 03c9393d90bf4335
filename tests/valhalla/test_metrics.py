from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml
from django.conf import LazySettings
from django.db import connection
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.test import APIClient

from golive import services
from golive.models import GoLiveState
from governance.jobs import kernel, running
from heimdall import services as heimdall
from riskguard import services as riskguard
from tests.access.factories import caller, stranger
from tests.heimdall.factories import earned
from tests.regression.factories import tripped
from valhalla.env import BASE_DIR

PROMTOOL = shutil.which("promtool")
pytestmark = pytest.mark.usefixtures("live")
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(api: APIClient) -> Samples:
    answer = api.get("/metrics", headers={"Accept": "text/plain;version=0.0.4;q=0.3,*/*;q=0.1"})
    assert (answer.status_code, answer["Content-Type"].split(";")[0]) == (200, "text/plain")
    families = text_string_to_metric_families(answer.content.decode())
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def figure(told: Samples, name: str, **labels: str) -> float | None:
    return told.get((name, frozenset(labels.items())))


def grown(before: Samples, after: Samples, name: str, **labels: str) -> float:
    return (figure(after, name, **labels) or 0) - (figure(before, name, **labels) or 0)


def test_decisions_are_counted_by_lever_engine_and_reason(
    api: APIClient, django_capture_on_commit_callbacks: Any
) -> None:
    before = scrape(api)
    riskguard.reserve(engine="WHOLESALE", amount=100, actor="bot")
    riskguard.reserve(engine="WHOLESALE", amount=2_000_000, actor="bot")
    riskguard.reserve(engine="NOBODY", amount=100, actor="bot")
    riskguard.reserve(engine="WHOLESALE", amount=100, actor="bot", dry_run=True)
    heimdall.authorize(recommendation_id=earned("PRICING").pk, actor="bot")
    with django_capture_on_commit_callbacks(execute=True):
        tripped()
    after = scrape(api)
    for lever, engine, reason in (
        ("riskguard", "WHOLESALE", "reserved"),
        ("riskguard", "WHOLESALE", "would_exceed_policy"),
        ("riskguard", "unknown", "policy_missing"),
        ("heimdall", "PRICING", "gate_pass"),
        ("regression", "OFFERS", "tripwire_triggered"),
    ):
        labels = {"lever": lever, "engine": engine, "reason": reason}
        assert grown(before, after, "valhalla_decisions_total", **labels) == 1, labels
    assert "NOBODY" not in str(after)


def test_the_gates_answers_are_counted_and_its_reading_timed(api: APIClient) -> None:
    before = scrape(api)
    api.get("/api/unlabelled")
    services.engage_kill_switch(actor="ops", reason="drill")
    api.get("/api/deals")
    api.get("/api/governance/gate", headers={"X-Original-URI": "/api/deals"})
    api.get("/api/governance/gate", headers={"X-Original-URI": "/orders"})
    after = scrape(api)
    assert grown(before, after, "valhalla_gate_answers_total", answer="admitted") == 2
    assert grown(before, after, "valhalla_gate_answers_total", answer="KILL_SWITCH_ENGAGED") == 2
    assert grown(before, after, "valhalla_gate_seconds_count") == 4


def test_what_stands_in_the_database_is_read_when_asked(api: APIClient) -> None:
    riskguard.reserve(engine="WHOLESALE", amount=12_34, actor="bot")
    tripped()
    services.engage_kill_switch(actor="ops", reason="drill")
    told = scrape(api)
    for name, labels, value in (
        ("valhalla_readable", {}, 1),
        ("valhalla_go_live_enabled", {}, 1),
        ("valhalla_kill_switch_engaged", {}, 1),
        ("valhalla_enforced", {}, 1),
        ("valhalla_risk_used", {"engine": "WHOLESALE", "of": "exposure"}, 12.34),
        ("valhalla_risk_left", {"engine": "WHOLESALE", "of": "open_risk"}, 987.66),
        ("valhalla_risk_policy_enabled", {"engine": "NOTIFY"}, 0),
        ("valhalla_tripwire_triggered", {"domain": "OFFERS", "metric": "signed"}, 1),
        ("valhalla_incidents_open", {}, 1),
        ("valhalla_prod_use_enabled", {"domain": "WHOLESALE_OFFER"}, 0),
        ("valhalla_changes_waiting", {}, 0),
        ("valhalla_broken_glass", {}, 0),
        ("valhalla_holds", {"scope": "*", "source": "golive", "code": "kill_switch_engaged"}, 1),
    ):
        assert figure(told, name, **labels) == value, name
    assert figure(told, "valhalla_trail_unsealed_rows") is not None
    assert figure(told, "valhalla_seal_lag_seconds") is not None
    assert figure(told, "valhalla_job_period_seconds", job="seal") == 60


def test_a_state_that_cannot_be_read_is_a_figure_too(api: APIClient) -> None:
    GoLiveState.objects.all().delete()
    told = scrape(api)
    assert figure(told, "valhalla_readable") == 0
    assert figure(told, "valhalla_epoch") is None


def test_the_figures_cost_a_bounded_number_of_queries(api: APIClient) -> None:
    from django.test.utils import CaptureQueriesContext

    counts = []
    for rows in (1, 10):
        for number in range(rows):
            riskguard.set_policy(engine=f"E{number}", patch={"enabled": True}, actor="ops", reason="test")
        with CaptureQueriesContext(connection) as seen:
            scrape(api)
        counts.append(len(seen))
    assert counts[0] == counts[1]


def test_who_may_read_may_scrape(settings: LazySettings) -> None:
    settings.API_AUTH = "token"
    answer = stranger().get("/metrics")
    assert (answer.status_code, answer["Content-Type"]) == (401, "application/problem+json")
    assert caller("viewer", name="v").get("/metrics").status_code == 200
    assert caller("proxy", name="p").get("/metrics").status_code == 403


def test_they_are_read_while_production_is_disabled(api: APIClient) -> None:
    services.disable(actor="ops", reason="maintenance")
    assert figure(scrape(api), "valhalla_go_live_enabled") == 0


def test_every_alert_asks_for_figures_that_there_are(api: APIClient) -> None:
    tripped()
    running.run(kernel.named("seal"), if_due=False)
    families = api.get("/metrics").content.decode()
    told = set(re.findall(r"^# TYPE (\w+)", families, re.MULTILINE)) | {"up"}
    (group,) = yaml.safe_load((BASE_DIR / "deploy" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]:
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"]
        asked = set(re.findall(r"\b(?:valhalla_\w+|up)\b", rule["expr"]))
        assert asked
        assert {name.removesuffix("_bucket") for name in asked} <= told, rule["alert"]


@pytest.mark.sqlite
@pytest.mark.skipif(PROMTOOL is None, reason="no promtool: install prometheus to run this test")
def test_prometheus_understands_the_alerts() -> None:
    checked = subprocess.run(
        [str(PROMTOOL), "check", "rules", BASE_DIR / "deploy" / "alerts.yml"],
        check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stderr
