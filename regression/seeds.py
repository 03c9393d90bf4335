"""The lever's seed rows: the tripwires that a new installation starts with, all disabled."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from governance.seeds import submitted
from regression import rules
from regression.models import RegressionPolicy


def _policy(drop: str, action: str) -> dict[str, Any]:
    return {
        "window_events": 50,
        "baseline_events": 200,
        "min_events_to_enforce": 50,
        "max_drop_fraction": Decimal(drop),
        "action": action,
        "enabled": False,
        "mode": rules.ENFORCE,
        "detector": rules.WINDOW,
        "baseline_kind": rules.ROLLING,
        "baseline_size": 1_000,
        "block_events": 1,
        "value_low": 0.0,
        "value_high": 1.0,
        "beta": Decimal("0.025"),
        "run_length": 20_000,
        "alpha": Decimal("0.01"),
    }


POLICIES = {
    ("WHOLESALE", "contract_rate"): _policy("0.20", rules.THROTTLE),
    ("WHOLESALE", "offer_accept_rate"): _policy("0.15", rules.THROTTLE),
    ("BUYER_MATCH", "match_success"): _policy("0.25", rules.THROTTLE),
    ("CAPITAL", "roi_event"): _policy("0.30", rules.KILL_SWITCH),
}


def missing() -> list[str]:
    """Name the policies that are not there."""
    there = set(RegressionPolicy.objects.values_list("domain", "metric"))
    return [f"regression_policy {rules.key(*pair)}" for pair in POLICIES if pair not in there]


def restore(*, actor: str, reset: bool) -> list[str]:
    """Put missing policies back; with ``reset``, set edited ones back to the seed's controls."""
    rows = {(row.domain, row.metric): row for row in RegressionPolicy.objects.all()}
    put = []
    for pair, controls in POLICIES.items():
        row = rows.get(pair)
        if row is None or (reset and any(getattr(row, name) != value for name, value in controls.items())):
            key = rules.key(*pair)
            put += submitted(
                f"regression_policy {key}", action=rules.SET_POLICY, target=key, patch=controls, actor=actor
            )
    return put
