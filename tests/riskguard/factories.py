"""Rows of the risk guard as tests want them, and the two questions that most tests ask of them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import factory
from factory.django import DjangoModelFactory

from golive import services as golive
from golive.models import GoLiveState
from golive.rules import GO_LIVE_DISABLED
from governance import clock, grants, holds
from governance.models import Hold
from riskguard import policies, services
from riskguard.decisions import Ruling
from riskguard.models import RiskEvent, RiskLedgerDay, RiskPolicy, RiskReservation
from riskguard.rules import CAPS, GLOBAL

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)
TODAY = NOON.date()
DAY = dt.timedelta(days=1)
HOUR = dt.timedelta(hours=1)
SECOND = dt.timedelta(seconds=1)


class PolicyFactory(DjangoModelFactory[RiskPolicy]):
    """A policy that is on and has no cap."""

    class Meta:
        model = RiskPolicy
        django_get_or_create = ("engine",)

    engine = factory.Sequence(lambda n: f"ENGINE_{n}")
    max_daily_loss = None
    max_daily_exposure = None
    max_open_risk = None
    max_amount_per_action = None
    max_actions_per_day = None
    max_actions_per_minute = None
    enabled = True
    created_at = factory.LazyFunction(clock.now)
    updated_at = factory.LazyFunction(clock.now)


class LedgerDayFactory(DjangoModelFactory[RiskLedgerDay]):
    class Meta:
        model = RiskLedgerDay

    day = TODAY
    engine = factory.Sequence(lambda n: f"ENGINE_{n}")


class ReservationFactory(DjangoModelFactory[RiskReservation]):
    """An open reservation without its ledger rows."""

    class Meta:
        model = RiskReservation

    engine = "WHOLESALE"
    amount = 1_000
    currency = "USD"
    day = TODAY
    actor = "bot"
    body_digest = "0" * 64
    epoch = 1
    created_at = factory.LazyFunction(clock.now)
    expires_at = factory.LazyAttribute(lambda row: row.created_at + DAY)


class EventFactory(DjangoModelFactory[RiskEvent]):
    """A refusal."""

    class Meta:
        model = RiskEvent

    at = factory.LazyFunction(clock.now)
    day = TODAY
    exposure_day = TODAY
    kind = RiskEvent.Kind.DENY
    engine = "WHOLESALE"
    amount = 1_000
    reason = "would_exceed_policy"
    actor = "bot"


def go_live() -> None:
    """Let production run, past the services: so much that it is done before many a test."""
    GoLiveState.objects.update(go_live_enabled=True, changed_by="ops", reason="tests", updated_at=clock.now())
    Hold.objects.filter(source=golive.SOURCE, code=GO_LIVE_DISABLED).delete()


def policy(engine: str, **controls: Any) -> RiskPolicy:
    """Set every control of a policy: no cap and enabled, but for ``controls`` (minor units)."""
    patch = {**dict.fromkeys(CAPS), "enabled": True, **controls}
    with grants.given():
        row = services.set_policy(engine=engine, patch=patch, actor="ops", reason="tests")
    assert isinstance(row, RiskPolicy)
    return row


def uncapped(*engines: str) -> None:
    """Lift every cap of GLOBAL and of ``engines``, past the services: so much that it is done before many a test."""
    now = clock.now()
    stands = {**dict.fromkeys(CAPS), "enabled": True, "changed_by": "ops", "reason": "tests", "updated_at": now}
    rows = [RiskPolicy(engine=engine, created_at=now, **stands) for engine in (GLOBAL, *engines)]
    RiskPolicy.objects.bulk_create(rows, update_conflicts=True, unique_fields=["engine"], update_fields=list(stands))
    Hold.objects.filter(source=policies.SOURCE, scope__in=[holds.EVERYTHING, *engines]).delete()


def reserve(engine: str = "WHOLESALE", amount: int = 1_000, **more: Any) -> Ruling:
    return services.reserve(**{"engine": engine, "amount": amount, "actor": "bot", **more})


def reserved(engine: str = "WHOLESALE", amount: int = 1_000, **more: Any) -> RiskReservation:
    """Return a reservation that was granted."""
    ruling = reserve(engine, amount, **more)
    assert ruling.ok, ruling.message
    assert ruling.reservation is not None
    return ruling.reservation


def settled(engine: str = "WHOLESALE", amount: int = 1_000, loss: int = 0) -> RiskReservation:
    """Return a reservation that was granted and settled."""
    held = reserved(engine, amount)
    return services.settle(reservation_id=held.pk, realized_loss=loss, actor="bot").reservation


def counters(engine: str = "WHOLESALE", day: dt.date = TODAY) -> tuple[int, int, int, int] | None:
    """Return exposure, open risk, loss and actions of a ledger row; None where there is no row."""
    row = RiskLedgerDay.objects.filter(engine=engine, day=day).first()
    return row and (row.exposure_used, row.open_risk_reserved, row.realized_loss, row.actions_count)
