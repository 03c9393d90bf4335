"""Rules, notices and deliveries as tests want them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import factory
from factory.django import DjangoModelFactory

from governance import changes, clock
from governance.happenings import Notice
from notices import delivering, services, signing
from notices.models import NoticeDelivery, NoticeRule
from notices.parcels import Parcel

Sent = list[Parcel]


class NoticeFactory(DjangoModelFactory[Notice]):
    class Meta:
        model = Notice

    kind = "kill_switch.engaged"
    at = factory.LazyFunction(clock.now)
    data = factory.LazyFunction(lambda: {"actor": "ops", "reason": "drill", "epoch": 7})


class RuleFactory(DjangoModelFactory[NoticeRule]):
    class Meta:
        model = NoticeRule
        django_get_or_create = ("name",)

    name = "on-call"
    address = "https://hooks.example.com/valhalla"
    kinds = factory.LazyFunction(lambda: ["*"])
    engines = factory.LazyFunction(lambda: ["*"])
    salt = factory.LazyFunction(signing.new_salt)
    drawn_at = factory.LazyFunction(clock.now)
    created_at = factory.LazyFunction(clock.now)
    updated_at = factory.LazyFunction(clock.now)


class DeliveryFactory(DjangoModelFactory[NoticeDelivery]):
    class Meta:
        model = NoticeDelivery

    # The same notice each time, so that a second delivery of it to the same rule is one too many.
    notice = factory.LazyFunction(lambda: Notice.objects.first() or NoticeFactory())
    rule = factory.SubFactory(RuleFactory)
    due_at = factory.LazyFunction(clock.now)


def told() -> list[tuple[str, str]]:
    """Return the kinds and engines of the outbox, in order."""
    return list(Notice.objects.order_by("pk").values_list("kind", "engine"))


def dead(**more: Any) -> NoticeDelivery:
    """Return a dead letter."""
    made = {
        "notice": NoticeFactory(routed_at=clock.now()),
        "status": "DEAD",
        "ended_at": clock.now(),
        "error": "It answered 500.",
        "tries": 12,
    }
    return DeliveryFactory(**{**made, **more})


def ruled(name: str = "on-call", **patch: Any) -> NoticeRule:
    """Return a rule that was set as an operator sets it."""
    patch.setdefault("address", "https://hooks.example.com/valhalla")
    return services.set_rule(name=name, patch=patch, actor="ops", reason="test")


def deliver(at: dt.datetime | None = None, seconds: float = 60) -> str:
    if at is None:
        return str(delivering.deliver(seconds=seconds))
    with clock.at(at):
        return str(delivering.deliver(seconds=seconds))


def submit(action: str, target: str, patch: dict[str, Any] | None = None) -> changes.Outcome:
    return changes.submit(action=action, target=target, patch=patch or {}, actor="ops", reason="why")
