"""A connection that the database has dropped errs once and is replaced, in an engine's own long-lived process too."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import OperationalError, connection

from golive import selectors
from governance import clock
from regression import services as tripwires
from riskguard import services
from tests.riskguard.factories import reserve, reserved
from tests.riskguard.racing import Caller

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql, pytest.mark.usefixtures("seeded_noon")]


@pytest.mark.parametrize("what", ["reserve", "settle", "release", "record a KPI"])
def test_a_lost_connection_errs_once(what: str) -> None:
    held = reserved()
    call: Callable[[], Any] = {
        "reserve": reserve,
        "settle": partial(services.settle, reservation_id=held.pk, realized_loss=0, actor="bot"),
        "release": partial(services.release, reservation_id=held.pk, actor="bot"),
        "record a KPI": partial(
            tripwires.record_kpi, domain="WHOLESALE", metric="contract_rate", success=True, actor="bot"
        ),
    }[what]

    def twice() -> Any:
        _lose_the_connection()
        with pytest.raises(OperationalError):
            call()
        return call()

    assert Caller(twice).told()


def test_the_gate_replaces_a_lost_connection_before_anyone_notices() -> None:
    def asked() -> Any:
        _lose_the_connection()
        connection.close_if_unusable_or_obsolete()  # as at the start of a request
        return selectors.reading(clock.now())

    assert Caller(asked).told().go_live_enabled


def test_the_gate_does_not_read_again_on_a_connection_that_was_tried() -> None:
    def asked() -> Any:
        selectors.reading(clock.now())
        _lose_the_connection()
        return selectors.reading(clock.now())

    assert isinstance(Caller(asked).outcome(), OperationalError)


def _lose_the_connection() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        dropped = cursor.fetchone()
    Caller(partial(_drop, dropped)).told()


def _drop(process: tuple[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", process)
