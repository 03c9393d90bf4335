"""What a decision of the risk guard answers: values, made under the locks, with their words."""

from __future__ import annotations

import dataclasses
import datetime as dt
import hashlib
from typing import Any

from riskguard import rules, words
from riskguard.models import RiskPolicy, RiskReservation
from riskguard.rules import Denial, Usage

MAX_ORDERS = 1_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What an engine asks for; ``amount`` in minor units, ``epoch`` the one that the request was admitted under."""

    engine: str
    amount: int
    actor: str
    idempotency_key: str | None = None
    correlation_id: str = ""
    epoch: int | None = None
    dry_run: bool = False

    def digest(self) -> str:
        """Return what tells a retry from another body under the same key."""
        return hashlib.sha256(f"{self.engine}\n{self.amount}\n{self.correlation_id}".encode()).hexdigest()


@dataclasses.dataclass(frozen=True, slots=True)
class LedgerLine:
    """One level's day: what is used, each cap and what is left of it; money in minor units."""

    day: dt.date
    engine: str
    usage: Usage
    policy: RiskPolicy | None

    @property
    def has_reached_loss_cap(self) -> bool:
        """Say whether the level has lost as much as it may in a day."""
        return self.policy is not None and rules.left(self.policy.max_daily_loss, self.usage.realized_loss) == 0

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

    order: Order
    reason: str
    epoch: int | None
    reservation: RiskReservation | None = None
    denial: Denial | None = None
    policy: RiskPolicy | None = None
    ledger: LedgerLine | None = None
    replayed: bool = False

    @property
    def ok(self) -> bool:
        """Say whether the engine may act."""
        return self.reason == rules.RESERVED

    @property
    def message(self) -> str:
        """Return the reason in words."""
        order = self.order
        if self.denial is not None:
            return words.denied(self.denial, order.engine)
        if self.reason == rules.KEY_REUSED:
            return words.KEY_REUSED
        if not self.ok and self.reservation is not None:
            return words.replayed(self.reservation.status)
        return words.granted(order.engine, order.amount, dry_run=order.dry_run and not self.replayed)


@dataclasses.dataclass(frozen=True, slots=True)
class Resolution:
    """The answer to a settle or a release. ``flags`` says whose loss cap is reached."""

    reservation: RiskReservation
    ledger: list[LedgerLine]
    flags: dict[str, Any]
