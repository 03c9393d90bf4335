"""Several deliverers at once: each delivery is one's alone."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db.models import QuerySet

from notices import services
from notices.models import NoticeDelivery
from tests.notices.factories import DeliveryFactory, NoticeFactory, RuleFactory
from tests.riskguard.racing import Caller

DELIVERERS, DELIVERIES = 4, 24


def _claim_all() -> list[int]:
    claimed = []
    while (delivery := services.claim(without=[])) is not None:
        claimed.append(delivery.pk)
    return claimed


def _race() -> list[int]:
    rule = RuleFactory()
    for _ in range(DELIVERIES):
        DeliveryFactory(rule=rule, notice=NoticeFactory())
    barrier = threading.Barrier(DELIVERERS)
    callers = [Caller(_claim_all, barrier) for _ in range(DELIVERERS)]
    return [claimed for caller in callers for claimed in caller.told()]


@pytest.mark.django_db(transaction=True)
def test_each_delivery_is_claimed_by_one() -> None:
    claimed = _race()
    assert sorted(claimed) == sorted(NoticeDelivery.objects.values_list("pk", flat=True))


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_without_the_lock_some_would_be_claimed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    def unlocked(rows: QuerySet[Any], **_how: Any) -> QuerySet[Any]:
        return rows

    monkeypatch.setattr(QuerySet, "select_for_update", unlocked)
    for _ in range(10):
        if len(claimed := _race()) > len(set(claimed)):
            return
    pytest.fail("the race is no race: nobody claimed what another had")


@pytest.mark.django_db(transaction=True)
def test_each_notice_is_routed_by_one() -> None:
    RuleFactory()
    for _ in range(DELIVERIES):
        NoticeFactory()
    barrier = threading.Barrier(DELIVERERS)
    callers = [Caller(services.route_some, barrier) for _ in range(DELIVERERS)]
    assert sum(caller.told() for caller in callers) == DELIVERIES
    assert NoticeDelivery.objects.count() == DELIVERIES
