"""The lever's seed rows: the policies that a new installation starts with (money in minor units)."""

from __future__ import annotations

from typing import Any

from governance import money
from governance.seeds import submitted
from riskguard import policies
from riskguard.models import RiskPolicy

MONEY = ("max_daily_loss", "max_daily_exposure", "max_open_risk")
_NO_CAP = {"max_amount_per_action": None, "max_actions_per_day": None, "max_actions_per_minute": None}
POLICIES: dict[str, dict[str, Any]] = {
    "GLOBAL": {
        "max_daily_loss": 250_00, "max_daily_exposure": 1_500_00, "max_open_risk": 1_500_00, "enabled": True, **_NO_CAP,
    },
    "WHOLESALE": {
        "max_daily_loss": 200_00, "max_daily_exposure": 1_000_00, "max_open_risk": 1_000_00, "enabled": True, **_NO_CAP,
    },
    "CAPITAL": {
        "max_daily_loss": 150_00, "max_daily_exposure": 750_00, "max_open_risk": 750_00, "enabled": True, **_NO_CAP,
    },
    "NOTIFY": {
        "max_daily_loss": 0, "max_daily_exposure": 0, "max_open_risk": 0, "enabled": False, **_NO_CAP,
    },
}  # fmt: skip


def missing() -> list[str]:
    """Name the policies that are not there."""
    there = set(RiskPolicy.objects.filter(engine__in=POLICIES).values_list("engine", flat=True))
    return [f"risk_policy {engine}" for engine in POLICIES if engine not in there]


def restore(*, actor: str, reset: bool) -> list[str]:
    """Put missing policies back; with ``reset``, set edited ones back to the seed's controls."""
    rows = {row.engine: row for row in RiskPolicy.objects.filter(engine__in=POLICIES)}
    put = []
    for engine, controls in POLICIES.items():
        row = rows.get(engine)
        if row is None or (reset and any(getattr(row, name) != value for name, value in controls.items())):
            patch = {name: money.to_units(value) if name in MONEY else value for name, value in controls.items()}
            put += submitted(
                f"risk_policy {engine}", action=policies.SET_POLICY, target=engine, patch=patch, actor=actor
            )
    return put
