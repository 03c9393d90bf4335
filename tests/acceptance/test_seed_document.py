"""The deployment steps that the product started from, typed as they stand, from top to bottom, against a new site."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.server import serving

HOST = "http://localhost:8000"
G = f"{HOST}/api/governance"
JSON = '-H "Content-Type: application/json"'
KPI = f"{G}/regression/kpi {JSON}"
CHECKS = ("go-live/state", "risk/ledger/today", "regression/state", "heimdall/scorecard/today")

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="no curl: install it to run this test")


class Shell:
    """A shell in which the site is at the address that the document names."""

    def __init__(self, address: str) -> None:
        self._address = address

    def run(self, script: str) -> str:
        typed = script.replace(HOST, self._address)
        return subprocess.run(["bash", "-c", typed], capture_output=True, text=True, check=True, timeout=120).stdout

    def curl(self, arguments: str) -> tuple[int, Any]:
        """Return the status and the answer, as JSON where it is."""
        body, _, status = self.run(f"curl -s -w '\\n%{{http_code}}' {arguments}").rpartition("\n")
        try:
            return int(status), json.loads(body)
        except ValueError:
            return int(status), body

    def ok(self, arguments: str) -> Any:
        status, told = self.curl(arguments)
        assert status in {200, 201}, (arguments, status, told)
        return told

    def record(self, times: int, success: str, actor: str) -> list[int]:
        """Record events as the document does, all at once in the background, and return their ids."""
        body = f'{{"domain":"WHOLESALE","metric":"contract_rate","success":{success},"actor":"{actor}"}}'
        told = self.run(f"for i in {{1..{times}}}; do curl -s -X POST {KPI} -d '{body}' & done; wait")
        ids = [int(number) for number in re.findall(r'\{"ok":true,"id":(\d+)\}', told)]
        assert len(ids) == len(set(ids)) == times
        return ids


def by(rows: list[dict[str, Any]], field: str) -> dict[str, dict[str, Any]]:
    return {row[field]: row for row in rows}


@pytest.fixture
def shell() -> Iterator[Shell]:
    with serving() as address:
        yield Shell(address)


def test_the_document_works_as_it_is_written(shell: Shell) -> None:
    _lever_1(shell)
    _lever_2(shell)
    _lever_3(shell)
    _lever_4(shell)
    _the_degradation(shell)
    for check in CHECKS:
        assert shell.curl(f"-s {G}/{check}")[0] == 200


def _lever_1(shell: Shell) -> None:
    state = shell.ok(f"{G}/go-live/state")
    assert (state["go_live_enabled"], state["kill_switch_engaged"]) == (False, False)
    checklist = shell.ok(f"{G}/go-live/checklist")
    assert checklist["ok"] is True
    assert checklist["required"]["backend_complete"]["ok"] is checklist["required"]["packs_installed"]["ok"] is True
    state = shell.ok(
        f"""-X POST {G}/go-live/disable {JSON} -d '{{"actor": "deployment", "reason": "Testing enforcement"}}'"""
    )
    assert (state["changed_by"], state["reason"]) == ("deployment", "Testing enforcement")
    status, told = shell.curl(f"{HOST}/api/deals")
    assert (status, told["code"], told["exec_class"]) == (403, "GO_LIVE_DISABLED", "PROD_EXEC")
    for exempt in ("/api/governance", "/api/system/status", "/health", "/docs"):
        assert shell.curl(HOST + exempt)[0] == 200, exempt
    state = shell.ok(f"""-X POST {G}/go-live/enable {JSON} -d '{{"actor": "deployment"}}'""")
    assert state["go_live_enabled"] is True
    assert shell.ok(f"{HOST}/api/deals")["results"] == []
    shell.ok(f"-X POST {G}/go-live/kill-switch/engage -d actor=deployment -d reason=drill")
    assert shell.curl(f"{HOST}/api/deals")[1]["code"] == "KILL_SWITCH_ENGAGED"
    shell.ok(f"-X POST {G}/go-live/kill-switch/release -d actor=deployment -d reason=over")
    shell.ok(f"{HOST}/api/deals")


def _lever_2(shell: Shell) -> None:
    policies = by(shell.ok(f"{G}/risk/policies"), "engine")
    caps = {name: (row["max_daily_loss"], row["max_daily_exposure"], row["enabled"]) for name, row in policies.items()}
    assert caps == {
        "GLOBAL": (250, 1500, True),
        "WHOLESALE": (200, 1000, True),
        "CAPITAL": (150, 750, True),
        "NOTIFY": (0, 0, False),
    }
    ledger = by(shell.ok(f"{G}/risk/ledger/today"), "engine")
    assert (ledger["WHOLESALE"]["exposure_used"], ledger["WHOLESALE"]["open_risk_reserved"]) == (0, 0)
    ruling = shell.ok(
        f"""-X POST {G}/risk/check-and-reserve {JSON} -d '{{
            "engine": "WHOLESALE",
            "amount": 50000,
            "actor": "test"
          }}'"""
    )
    assert (ruling["ok"], ruling["reason"], ruling["status"]) == (True, "reserved", "OPEN")
    ruling = shell.ok(
        f"""-X POST {G}/risk/check-and-reserve {JSON} -d '{{
            "engine": "WHOLESALE",
            "amount": 2000000,
            "actor": "test"
          }}'"""
    )
    assert (ruling["ok"], ruling["reason"], ruling["reservation_id"]) == (False, "would_exceed_policy", None)
    ledger = by(shell.ok(f"{G}/risk/ledger/today"), "engine")
    for engine in ("GLOBAL", "WHOLESALE"):
        assert (ledger[engine]["exposure_used"], ledger[engine]["open_risk_reserved"]) == (500, 500)


def _lever_3(shell: Shell) -> None:
    policies = by(shell.ok(f"{G}/heimdall/policies"), "domain")
    assert {domain: row["min_confidence_prod"] for domain, row in policies.items()} == {
        "WHOLESALE_OFFER": 0.92, "BUYER_MATCH": 0.9, "CAPITAL_ROUTE": 0.95, "FOLLOWUP_NEXT_ACTION": 0.9,
    }  # fmt: skip
    assert not any(row["prod_use_enabled"] for row in policies.values())
    assert shell.ok(f"{G}/heimdall/scorecard/today") == []
    judged = shell.ok(
        f"""-X POST {G}/heimdall/recommend {JSON} -d '{{
            "domain": "WHOLESALE_OFFER",
            "confidence": 0.95,
            "recommendation": {{ "offer_id": 123, "price": 1500 }},
            "evidence": {{ "model": "v2.1", "prediction_score": 0.95 }},
            "actor": "heimdall_ai"
          }}'"""
    )
    assert (judged["prod_eligible"], judged["gate_reason"]) == (False, "prod_use_disabled")


def _lever_4(shell: Shell) -> None:
    policies = {(row["domain"], row["metric"]): row for row in shell.ok(f"{G}/regression/policies")}
    assert {key: row["action"] for key, row in policies.items()} == {
        ("WHOLESALE", "contract_rate"): "THROTTLE",
        ("WHOLESALE", "offer_accept_rate"): "THROTTLE",
        ("BUYER_MATCH", "match_success"): "THROTTLE",
        ("CAPITAL", "roi_event"): "KILL_SWITCH",
    }
    assert shell.ok(f"{G}/regression/state") == []
    first = shell.ok(
        f"""-X POST {KPI} -d '{{
            "domain": "WHOLESALE",
            "metric": "contract_rate",
            "success": true,
            "actor": "system"
          }}'"""
    )
    assert first == {"ok": True, "id": 1}


def _evaluated(shell: Shell) -> dict[str, Any]:
    told = shell.ok(f'-X POST {G}/regression/evaluate -d "domain=WHOLESALE&metric=contract_rate&actor=test"')
    assert told["ok"] is True
    state: dict[str, Any] = told["state"]
    return state


def _the_degradation(shell: Shell) -> None:
    shell.record(190, "true", "test_seed")
    shell.record(10, "false", "test_seed")
    before = {(row["domain"], row["metric"]): row for row in shell.ok(f"{G}/regression/policies")}
    policy = shell.ok(
        f"""-X POST {G}/regression/policies/upsert {JSON} -d '{{
            "domain": "WHOLESALE",
            "metric": "contract_rate",
            "enabled": true,
            "changed_by": "test_deployment"
          }}'"""
    )
    kept = {"enabled", "changed_by", "reason", "updated_at"}
    standing = before["WHOLESALE", "contract_rate"]
    assert {name: policy[name] for name in policy if name not in kept} == {
        name: standing[name] for name in standing if name not in kept
    }
    state = _evaluated(shell)
    assert (round(state["baseline"], 4), state["current"], state["drop_fraction"]) == (0.95, state["baseline"], 0)
    assert state["triggered"] is False
    shell.record(37, "true", "test_degrade")
    shell.record(13, "false", "test_degrade")
    state = _evaluated(shell)
    assert (round(state["baseline"], 4), state["current"], state["triggered"]) == (0.95, 0.74, True)
    assert round(state["drop_fraction"], 3) == 0.221
    assert '"enabled":false' in shell.run(f"curl -s {G}/risk/policies | grep WHOLESALE")
    risk = by(shell.ok(f"{G}/risk/policies"), "engine")["WHOLESALE"]
    assert (risk["enabled"], risk["reason"]) == (False, "Regression tripwire: WHOLESALE.contract_rate drop=0.221")
    ruling = shell.ok(
        f"""-X POST {G}/risk/check-and-reserve {JSON} -d '{{"engine":"WHOLESALE","amount":50000,"actor":"test"}}'"""
    )
    assert (ruling["ok"], ruling["reason"]) == (False, "policy_disabled")
    ruling = shell.ok(f"-X POST {G}/risk/check-and-reserve -d engine=CAPITAL -d amount=10000 -d actor=test")
    assert ruling["ok"] is True
    assert shell.curl(f"{HOST}/api/deals")[1]["code"] == "ENGINE_HELD"


@pytest.mark.sqlite  # no page of these asks a database
@pytest.mark.xdist_group("live")
def test_the_pages_are_served_from_this_host_alone(live_server_process: str) -> None:
    shell = Shell(live_server_process)
    document = shell.ok(f"{HOST}/openapi.json")
    assert document["openapi"].startswith("3.")
    for page in ("/docs", "/redoc"):
        html = shell.ok(HOST + page)
        named = re.findall(r'(?:src|href|spec-url)="([^"]+)"', html)
        assert named
        for address in named:
            assert not re.match(r"(https?:)?//", address), address
            assert shell.curl(f"-o /dev/null '{HOST}{address if address[0] == '/' else page + address}'")[0] == 200
    assert "cdn." not in shell.ok(f"{HOST}/redoc/script.js")
