from __future__ import annotations

import datetime as dt

import pytest
from django.db import transaction

from governance import clock

NOON = dt.datetime(2026, 11, 24, 12, tzinfo=dt.UTC)


def test_both_clocks_stand_still_inside_the_block_and_run_on_behind_it() -> None:
    east = dt.timezone(dt.timedelta(hours=14))
    with clock.at(NOON.astimezone(east)):
        with clock.at(NOON + dt.timedelta(days=1)):
            assert clock.fixed() == clock.now() == NOON + dt.timedelta(days=1)
        assert clock.now() == clock.database_now() == clock.fixed() == NOON
        assert clock.now().tzinfo is dt.UTC
    assert clock.fixed() is None
    assert abs(clock.now() - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=1)


@pytest.mark.django_db
def test_the_databases_clock_moves_on_within_a_transaction() -> None:
    with transaction.atomic():
        first, second = clock.database_now(), clock.database_now()
    assert first < second
    assert first.tzinfo is dt.UTC
