"""What a decision of the risk guard answers: values, made under the locks, with their words."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from riskguard import rules
from riskguard.models import RiskPolicy, RiskReservation
from riskguard.rules import Denial, Usage


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an engine asks for; ``amount`` in minor units."""

    engine: str
    amount: int
    actor: str
    idempotency_key: str | None = None
    correlation_id: str = ""
    dry_run: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class LedgerLine:
    """One level's day: what is used, each cap and what is left of it; money in minor units."""

    day: dt.date
    engine: str
    usage: Usage
    policy: RiskPolicy | None

    def left(self) -> dict[str, int | None]:
        """Return what is left under each daily cap; None is without limit or without a policy."""
        if self.policy is None:
            return dict.fromkeys(("loss", "exposure", "open_risk", "actions"))
        caps, usage = self.policy.caps(), self.usage
        return {
            "loss": rules.left(caps.max_daily_loss, usage.realized_loss),
            "exposure": rules.left(caps.max_daily_exposure, usage.exposure_used),
            "open_risk": rules.left(caps.max_open_risk, usage.open_risk_reserved),
            "actions": rules.left(caps.max_actions_per_day, usage.actions_count),
        }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The answer to an order. ``ok`` is the only go; ``reason`` is ``reserved`` or what refuses."""

    ok: bool
    reason: str
    message: str
    order: Order
    epoch: int | None
    reservation: RiskReservation | None = None
    denial: Denial | None = None
    policy: RiskPolicy | None = None
    ledger: LedgerLine | None = None
    replayed: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Resolution:
    """The answer to a settle or a release. ``flags`` says whose loss cap is reached."""

    reservation: RiskReservation
    ledger: list[LedgerLine]
    flags: dict[str, Any]
