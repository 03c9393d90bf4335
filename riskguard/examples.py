"""Bodies and answers that the documentation shows."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample

_POLICY = {
    "engine": "WHOLESALE", "max_daily_loss": 200, "max_daily_exposure": 1000, "max_open_risk": 1000,
    "max_amount_per_action": None, "max_actions_per_day": None, "max_actions_per_minute": None, "currency": "USD",
    "enabled": True, "changed_by": "seed", "reason": "seed", "updated_at": "2026-11-24T12:00:00Z",
}  # fmt: skip


def _ruling(**told: Any) -> dict[str, Any]:
    used = 500 if told["ok"] else 0
    return {
        **told, "engine": "WHOLESALE", "currency": "USD", "epoch": 2, "dry_run": False, "replayed": False,
        "policy": _POLICY,
        "ledger": {
            "day": "2026-11-24", "engine": "WHOLESALE", "currency": "USD", "exposure_used": used,
            "open_risk_reserved": used, "realized_loss": 0, "actions_count": used // 500, "max_daily_loss": 200,
            "max_daily_exposure": 1000, "max_open_risk": 1000, "max_amount_per_action": None,
            "max_actions_per_day": None, "max_actions_per_minute": None, "loss_left": 200,
            "exposure_left": 1000 - used, "open_risk_left": 1000 - used, "actions_left": None, "policy_enabled": True,
            "policy_reason": "seed",
        },
    }  # fmt: skip


RESERVE = [
    OpenApiExample("500.00", {"engine": "WHOLESALE", "amount": 50000, "actor": "bot"}, request_only=True),
    OpenApiExample(
        "Granted",
        _ruling(
            ok=True, reason="reserved", message="Reserved 500.00 USD for WHOLESALE.", reservation_id=1, status="OPEN",
            amount=50000, expires_at="2026-11-25T12:00:00Z", refused_by=None,
        ),
        response_only=True,
    ),
    OpenApiExample(
        "Refused",
        _ruling(
            ok=False, reason="would_exceed_policy", reservation_id=None, status=None, amount=2000000, expires_at=None,
            message="WHOLESALE's daily exposure cap is 1,000.00 USD: 0.00 USD is used and 1,000.00 USD is left; "
            "20,000.00 USD was asked for.",
            refused_by={
                "policy": "WHOLESALE", "cap": "max_daily_exposure", "limit": 100000, "used": 0, "asked": 2000000,
            },
        ),
        response_only=True,
    ),
]  # fmt: skip
RESERVE_MANY = [
    OpenApiExample(
        "Two orders",
        {
            "items": [
                {"engine": "WHOLESALE", "amount": 50000, "idempotency_key": "deal-7"},
                {"engine": "CAPITAL", "amount": 20000, "idempotency_key": "deal-8"},
            ],
            "actor": "bot",
        },
        request_only=True,
    ),
]
SETTLE = [
    OpenApiExample(
        "A loss of 12.34", {"reservation_id": 1, "realized_loss": 1234, "actor": "bot"}, request_only=True
    )
]  # fmt: skip
RELEASE = [OpenApiExample("It never happened", {"reservation_id": 1, "actor": "bot"}, request_only=True)]
UPSERT = [
    OpenApiExample(
        "One cap", {"engine": "WHOLESALE", "max_daily_exposure": 1200.50, "actor": "jo", "reason": "A new season."},
        request_only=True,
    ),
    OpenApiExample("Stop an engine", {"engine": "WHOLESALE", "enabled": False, "actor": "jo"}, request_only=True),
]  # fmt: skip
