"""The lever's seed rows: the policies that a new installation starts with, all off."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from governance.seeds import submitted
from heimdall import rules
from heimdall.models import HeimdallPolicy


def _policy(engine: str, confidence: str, trials: int, rate: str) -> dict[str, Any]:
    return {
        "engine": engine,
        "min_confidence_prod": Decimal(confidence),
        "min_sandbox_trials": trials,
        "min_sandbox_success_rate": Decimal(rate),
        "prod_use_enabled": False,
        "evidence_days": 1,
        "evidence_rule": rules.POINT,
        "outcome_metric": rules.OUTCOME_METRIC,
    }


POLICIES = {
    "WHOLESALE_OFFER": _policy("WHOLESALE", "0.92", 75, "0.82"),
    "BUYER_MATCH": _policy("BUYER_MATCH", "0.90", 50, "0.80"),
    "CAPITAL_ROUTE": _policy("CAPITAL", "0.95", 100, "0.85"),
    "FOLLOWUP_NEXT_ACTION": _policy("NOTIFY", "0.90", 60, "0.80"),
}


def missing() -> list[str]:
    """Name the policies that are not there."""
    there = set(HeimdallPolicy.objects.filter(domain__in=POLICIES).values_list("domain", flat=True))
    return [f"heimdall_policy {domain}" for domain in POLICIES if domain not in there]


def restore(*, actor: str, reset: bool) -> list[str]:
    """Put missing policies back; with ``reset``, set edited ones back to the seed's controls."""
    rows = {row.domain: row for row in HeimdallPolicy.objects.filter(domain__in=POLICIES)}
    put = []
    for domain, controls in POLICIES.items():
        row = rows.get(domain)
        if row is None or (reset and any(getattr(row, name) != value for name, value in controls.items())):
            put += submitted(
                f"heimdall_policy {domain}", action=rules.SET_POLICY, target=domain, patch=controls, actor=actor
            )
    return put
