"""Rows of the tripwires as tests want them: a policy that watches, its events, an open incident."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import factory
from django.db import connection
from factory.django import DjangoModelFactory

import riskguard.selectors
from governance import changes, clock, holds
from regression import rules, services
from regression.models import (
    KpiEvent,
    RegressionBaseline,
    RegressionGap,
    RegressionIncident,
    RegressionPolicy,
    RegressionState,
)
from regression.recording import Observation

DOMAIN, METRIC = "OFFERS", "signed"
PAIR = {"domain": DOMAIN, "metric": METRIC}


class PolicyFactory(DjangoModelFactory[RegressionPolicy]):
    """A tripwire that watches from the first event on: 4 events against 8, from 4 on, at a drop of a fifth."""

    class Meta:
        model = RegressionPolicy

    domain = DOMAIN
    metric = METRIC
    window_events = 4
    baseline_events = 8
    min_events_to_enforce = 4
    max_drop_fraction = Decimal("0.2")
    enabled = True
    created_at = factory.LazyFunction(clock.now)
    updated_at = factory.LazyFunction(clock.now)


class StateFactory(DjangoModelFactory[RegressionState]):
    class Meta:
        model = RegressionState

    domain = DOMAIN
    metric = METRIC


class EventFactory(DjangoModelFactory[KpiEvent]):
    class Meta:
        model = KpiEvent

    at = factory.LazyFunction(clock.now)
    domain = DOMAIN
    metric = METRIC
    success = True
    actor = "bot"


class GapFactory(DjangoModelFactory[RegressionGap]):
    class Meta:
        model = RegressionGap

    domain = DOMAIN
    metric = METRIC


class BaselineFactory(DjangoModelFactory[RegressionBaseline]):
    """A baseline that is pinned at 0.9 by 1,000 events."""

    class Meta:
        model = RegressionBaseline

    domain = DOMAIN
    metric = METRIC
    number = 1
    status = "PINNED"
    size = 1_000
    events = 1_000
    block_events = 1
    value_low = 0.0
    value_high = 1.0
    beta = 0.025
    mean = 0.9
    bound = 0.88
    correlation = 0.0
    pinned_by = "jo"
    pinned_at = factory.LazyFunction(clock.now)


class IncidentFactory(DjangoModelFactory[RegressionIncident]):
    class Meta:
        model = RegressionIncident

    domain = DOMAIN
    metric = METRIC
    action = "THROTTLE"
    opened_at = factory.LazyFunction(clock.now)
    baseline = 1.0
    current = 0.5
    drop_fraction = 0.5
    max_drop_fraction = Decimal("0.2")
    baseline_count = 8
    current_count = 4
    first_event_id = 9
    last_event_id = 12


def observed(outcomes: Iterable[bool | float | str], **pair: str) -> list[Observation]:
    """Return outcomes in order: booleans as successes, numbers as values, and texts as a success or failure a letter.

    ``"SSF"`` is two successes and a failure.
    """
    seen = []
    for outcome in outcomes:
        success = outcome == "S" if isinstance(outcome, str) else outcome if isinstance(outcome, bool) else None
        value = None if isinstance(outcome, bool | str) else outcome
        seen.append(Observation(**{**PAIR, **pair}, success=success, value=value))
    return seen


def record(outcomes: Iterable[bool | float | str], **pair: str) -> list[services.Recorded]:
    """Record outcomes one after the other."""
    return [services.record_kpi(**dataclasses.asdict(one), actor="bot") for one in observed(outcomes, **pair)]


def record_at_once(outcomes: Iterable[bool | float | str], **pair: str) -> list[int]:
    """Record outcomes in one batch, which leaves what one after the other does (test_batches) in a part of the time.

    Returns the events' ids.
    """
    return services.record_kpis(observations=observed(outcomes, **pair), actor="bot").ids


def many_events(number: int, **fields: Any) -> None:
    """Insert ``number`` events in one statement; a factory would take most of a test's time."""
    one = EventFactory.build(**fields)
    told = [field for field in KpiEvent._meta.concrete_fields if field.name not in {"id", "tx", "request_id"}]
    columns = ", ".join(field.column for field in told)
    values = [field.get_db_prep_save(getattr(one, field.attname), connection) for field in told]
    counted = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %s)"
    row = ", ".join(["%s"] * len(told))
    insert = f"INSERT INTO kpi_event ({columns}) {counted} SELECT {row} FROM n"  # noqa: S608 -- columns of our own
    with connection.cursor() as cursor:
        cursor.execute(insert, [number, *values])


def evaluate(**pair: str) -> RegressionState:
    """Evaluate and return the state."""
    state = services.evaluate(**{**PAIR, **pair}, actor="jo")
    assert state is not None
    return state


def arm(**pair: str) -> None:
    """Enable the policy by its service, which arms it."""
    services.set_policy(**{**PAIR, **pair}, patch={"enabled": True}, actor="jo", reason="test")


def rearm(**pair: str) -> RegressionState:
    """Re-arm the tripwire."""
    return services.rearm(**{**PAIR, **pair}, actor="jo", reason="mended")


def tripped(domain: str = DOMAIN, **policy: object) -> RegressionState:
    """Return the state of a tripwire that 8 good and then 4 bad events have tripped."""
    PolicyFactory(domain=domain, **policy)
    record_at_once("SSSSSSSSFFFF", domain=domain)
    return RegressionState.objects.get(domain=domain, metric=METRIC)


def armed(domain: str = DOMAIN, *, baseline: dict[str, object] | None = None, **policy: object) -> RegressionPolicy:
    """Return a SEQUENTIAL tripwire that is armed against a pinned baseline."""
    asked = {"detector": "SEQUENTIAL", "baseline_kind": "PINNED", "run_length": 100, **policy}
    made: RegressionPolicy = PolicyFactory(domain=domain, enabled=False, **asked)
    BaselineFactory(domain=domain, **(baseline or {}))
    arm(domain=domain)
    made.refresh_from_db()
    return made


def state_now() -> RegressionState:
    return RegressionState.objects.get(**PAIR)


def change(**patch: Any) -> Any:
    return services.set_policy(**PAIR, patch=patch, actor="jo", reason="test")


def held() -> bool:
    return any(hold.code == rules.TRIPWIRE_TRIGGERED for hold in holds.standing(DOMAIN))


def throttled() -> bool:
    found = risk_policy(DOMAIN)
    return found is not None and not found.enabled


def risk_policy(engine: str) -> Any:
    return next((policy for policy in riskguard.selectors.policies() if policy.engine == engine), None)


def submit(name: str, target: str = f"{DOMAIN}/{METRIC}", **patch: Any) -> Any:
    return changes.submit(action=name, target=target, patch=patch, actor="jo", reason="because")
