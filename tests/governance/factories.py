"""Rows of the kernel as tests want them."""

from __future__ import annotations

import datetime as dt

import factory
from factory.django import DjangoModelFactory

from governance import clock
from governance.models import AuditEvent, ChangeRequest, Hold, ReviewDecision


class HoldFactory(DjangoModelFactory[Hold]):
    class Meta:
        model = Hold

    scope = factory.Sequence(lambda n: f"ENGINE_{n}")
    source = "toy"
    code = "toy_held"
    reason = "because"
    since = factory.LazyFunction(clock.now)


class ChangeRequestFactory(DjangoModelFactory[ChangeRequest]):
    """A change that waits."""

    class Meta:
        model = ChangeRequest

    action = "risk.policy.set"
    target = "WHOLESALE"
    patch = factory.LazyFunction(lambda: {"max_daily_loss": 900})
    before = factory.LazyFunction(dict)
    reason = "more room"
    requested_by = "jo"
    requested_at = factory.LazyFunction(clock.now)
    expires_at = factory.LazyAttribute(lambda change: change.requested_at + dt.timedelta(hours=72))


class ReviewDecisionFactory(DjangoModelFactory[ReviewDecision]):
    class Meta:
        model = ReviewDecision

    at = factory.LazyFunction(clock.now)
    period_start = factory.LazyFunction(lambda: clock.now() - dt.timedelta(days=7))
    period_end = factory.LazyFunction(clock.now)
    verdict = "HEALTHY"
    note = "all is well"
    decided_by = "olga"
    alarms = factory.LazyFunction(list)


class AuditEventFactory(DjangoModelFactory[AuditEvent]):
    class Meta:
        model = AuditEvent

    at = factory.LazyFunction(clock.now)
    actor = "jo"
    action = "toy.turn"
    target = "A"
    outcome = AuditEvent.Outcome.APPLIED
    via = "service"
