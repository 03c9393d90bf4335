"""Which of the two decides on orders, the law in Python or the database's own function: chosen here and nowhere else.

PostgreSQL takes one round trip by ``risk_reserve_v1`` (sql/reserve_v1_at_once.sql); SQLite has the Python.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.db import connection

from governance import clock, epoch, origin
from governance.database import FROM_REQUEST, one_statement
from governance.errors import Unavailable
from riskguard import reserving
from riskguard.decisions import LedgerLine, Order, Ruling
from riskguard.models import RiskPolicy, RiskReservation
from riskguard.rules import Denial, Usage

_RULING = ("reason", "replayed", "epoch", "today", "refused_by", "cap", "cap_limit", "used", "asked", "words")
_HELD = tuple(field.attname for field in RiskReservation._meta.concrete_fields)
# What risk_level_v1 has of a policy; what it has not decides nothing here.
_LEFT_OUT = {"until", "fallback", "retired_at"}
_POLICY = tuple(field.attname for field in RiskPolicy._meta.concrete_fields if field.attname not in _LEFT_OUT)
_USAGE = ("exposure_used", "open_risk_reserved", "realized_loss", "actions_count")
_PARTS = list(itertools.accumulate((len(_RULING), len(_HELD), len(_POLICY))))
_CALL = f"""{FROM_REQUEST}
SELECT {", ".join(_RULING)},
       {", ".join(f"(held).{column}" for column in _HELD)},
       {", ".join(f"(own).{column}" for column in (*_POLICY, *_USAGE))}
  FROM risk_reserve_v1(
       %s::text[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s, %s, %s, %s)
"""  # noqa: S608 -- columns of our own


def decide(orders: Sequence[Order]) -> list[Ruling]:
    """Return the ruling on each of ``orders``, recorded, in their order as if each came alone, in one transaction.

    It commits by itself: inside a caller's transaction it is refused (RuntimeError).
    """
    return BACKENDS[connection.vendor](orders)


def by_function(orders: Sequence[Order]) -> list[Ruling]:
    """Decide by PostgreSQL's function, in one round trip."""
    asked: list[Any] = [
        origin.request_id(),
        [order.engine for order in orders],
        [order.amount for order in orders],
        [order.actor for order in orders],
        [order.idempotency_key for order in orders],
        [order.digest() for order in orders],
        [order.correlation_id for order in orders],
        [order.epoch for order in orders],
        settings.VALHALLA_CURRENCY,
        dt.timedelta(seconds=settings.VALHALLA_RESERVATION_TTL_SECONDS),
        settings.GOVERNANCE_ENFORCED,
        clock.fixed(),
    ]
    with one_statement(), connection.cursor() as cursor:
        cursor.execute(_CALL, asked)
        cursor.nextset()
        rows = cursor.fetchall()
    if len(rows) < len(orders):
        raise Unavailable(epoch.MISSING)
    policies: dict[tuple[Any, ...], RiskPolicy] = {}
    return [_ruling(order, row, policies) for order, row in zip(orders, rows, strict=True)]


BACKENDS: dict[str, Callable[[Sequence[Order]], list[Ruling]]] = {
    "postgresql": by_function,
    "sqlite": reserving.decide,
}


def _ruling(order: Order, row: tuple[Any, ...], policies: dict[tuple[Any, ...], RiskPolicy]) -> Ruling:
    """Return the ruling that the function's figures are; the rulings of a batch share what they have of a policy."""
    reason, replayed, switches, day, refused_by, *refusal = row[: _PARTS[0]]
    held, controls, usage = (row[start:end] for start, end in itertools.pairwise([*_PARTS, None]))
    if controls[0] is not None and controls not in policies:
        policies[controls] = RiskPolicy.from_db(connection.alias, _POLICY, controls)
    policy = policies.get(controls)
    return Ruling(
        order=order,
        reason=reason,
        epoch=switches,
        reservation=None if held[0] is None else RiskReservation.from_db(connection.alias, _HELD, held),
        denial=None if refused_by is None else _denial(reason, refused_by, *refusal),
        policy=policy,
        ledger=None if policy is None else LedgerLine(day, order.engine, Usage(*usage), policy),
        replayed=replayed,
    )


def _denial(
    reason: str, policy: str, cap: str | None, limit: int | None, used: int | None, asked: int | None, words: str | None
) -> Denial:
    return Denial(reason, policy, cap or "", limit, used, asked, words or "")
