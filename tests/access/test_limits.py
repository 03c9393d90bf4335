from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from access import quota
from governance import clock
from tests.access.factories import UserFactory, bearing, caller, secret_of

pytestmark = pytest.mark.usefixtures("closed")
DISABLE = "/api/governance/go-live/disable"
NOON = dt.datetime(2026, 11, 24, 12, 0, 20, tzinfo=dt.UTC)


@pytest.mark.parametrize(("length", "status"), [(99, 401), (100, 401), (101, 413), (10**30, 413)])
def test_a_body_above_the_limit_is_a_413_before_it_is_read(length: int, status: int, settings: LazySettings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = Client().generic("POST", DISABLE, b"x" * 99, content_type="application/json", CONTENT_LENGTH=str(length))
    assert answer.status_code == status
    if status == 413:
        assert (answer.json()["code"], answer["Content-Type"]) == ("body_too_large", "application/problem+json")
        assert "at most 100 are read" in answer.json()["detail"]


@pytest.mark.parametrize("limit", [1, 3, 250])
def test_a_token_writes_as_often_as_it_may_in_a_minute_and_not_once_more(limit: int, settings: LazySettings) -> None:
    settings.WRITES_PER_MINUTE = limit
    token = _token()
    with clock.at(NOON):
        taken = [quota.take(token) for _ in range(limit + 2)]
    share = max(1, limit // 100)
    assert sum(taken) == limit // share * share
    assert not taken[-1]
    with clock.at(NOON + dt.timedelta(minutes=1)):
        assert quota.take(token)


def test_two_processes_share_the_limit(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.WRITES_PER_MINUTE = 300
    token = _token()
    taken = 0
    with clock.at(NOON):
        for leases in ({}, {}, {}):  # type: dict[str, Any]
            monkeypatch.setattr(quota, "_leases", leases)
            taken += sum(quota.take(token) for _ in range(130))
    assert 300 - 2 * (3 - 1) <= taken <= 300


def test_too_many_writes_are_a_429_that_says_how_long_to_wait_and_reading_goes_on(settings: LazySettings) -> None:
    settings.WRITES_PER_MINUTE = 2
    api = caller("viewer")
    other = caller("operator", name="op")
    with clock.at(NOON):
        assert [api.post(DISABLE, {}).status_code for _ in range(3)] == [403, 403, 429]
        answer = api.post(DISABLE, {})
        assert (answer.json()["code"], 40 <= int(answer["Retry-After"]) <= 41) == ("throttled", True)
        assert "2 writes of this minute" in answer.json()["detail"]
        assert api.get("/api/governance/holds").status_code == 200
        assert other.post(DISABLE, {}).status_code == 200


def test_a_write_within_the_lease_asks_nothing_more(settings: LazySettings) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    settings.WRITES_PER_MINUTE = 1_000
    api = caller("viewer")
    api.post(DISABLE, {})
    with CaptureQueriesContext(connection) as seen:
        assert api.post(DISABLE, {}).status_code == 403
    assert len(seen) == 1


def _token() -> Any:
    from access.models import Token

    secret = secret_of(UserFactory.create(roles=["engine"]))
    assert bearing(secret)
    return Token.objects.get(token_key=secret[:15])
