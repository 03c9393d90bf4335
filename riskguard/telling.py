"""What people are told of the caps and of reservations. On PostgreSQL an expiry of a call under way is told by the
database's own function (sql/expire_v1.sql).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from governance import money, outbox
from governance.outbox import Kind
from riskguard.decisions import LedgerLine
from riskguard.models import RiskReservation
from riskguard.rules import GLOBAL

LOSS_CAP, EXPIRED = "risk.loss_cap_reached", "reservation.expired"


def _lost(fields: Mapping[str, Any]) -> str:
    lost, cap = money.spoken(fields["realized_loss"]), money.spoken(fields["max_daily_loss"])
    return f"{fields['level']} has lost {lost} on {fields['day']}, and may lose {cap} a day: it reserves no more."


def _expired(fields: Mapping[str, Any]) -> str:
    named = ", ".join(map(str, fields["reservations"]))
    found_out = "Find out whether the action happened, and settle"
    return f"{fields['count']} reservation(s) of {fields['engine']} expired. {found_out}: {named}."


KINDS = [
    Kind(
        name=LOSS_CAP,
        title="A loss cap is reached",
        fields={
            "level": "GLOBAL or the engine",
            "day": "the ledger's day (UTC)",
            "realized_loss": "the day's loss in minor units (25000 is 250.00)",
            "max_daily_loss": "the cap in minor units",
        },
        said=_lost,
    ),
    Kind(
        name=EXPIRED,
        title="Reservations expired",
        fields={
            "count": "how many",
            "amount": "what they held, in minor units (25000 is 250.00)",
            "reservations": "their ids, the first hundred",
        },
        said=_expired,
    ),
]
NAMED = 100


def loss_caps(lines: Iterable[LedgerLine]) -> None:
    """Tell of each loss cap that a loss has reached, once a day and level."""
    for line in lines:
        if line.has_reached_loss_cap and line.usage.realized_loss:
            outbox.tell(
                LOSS_CAP, engine="" if line.engine == GLOBAL else line.engine,
                once=f"{LOSS_CAP} {line.day} {line.engine}", level=line.engine, day=f"{line.day}",
                realized_loss=line.usage.realized_loss, max_daily_loss=line.policy and line.policy.max_daily_loss,
            )  # fmt: skip


def expired(batch: Iterable[RiskReservation]) -> None:
    """Tell of reservations that have just expired, once an engine."""
    by_engine: dict[str, list[RiskReservation]] = defaultdict(list)
    for held in batch:
        by_engine[held.engine].append(held)
    for engine, those in sorted(by_engine.items()):
        named = sorted(held.pk for held in those)[:NAMED]
        amount = sum(held.amount for held in those)
        outbox.tell(EXPIRED, engine=engine, count=len(those), amount=amount, reservations=named)
