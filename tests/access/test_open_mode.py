"""The open API answers this machine's own callers alone, and no page of another site through their browser."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from django.conf import LazySettings
from rest_framework.test import APIClient

from governance.models import AuditEvent
from tests.access.factories import UserFactory, bearing, secret_of, stranger

pytestmark = pytest.mark.django_db
DISABLE = "/api/governance/go-live/disable"
LOCAL = {"SERVER_NAME": "localhost", "REMOTE_ADDR": "127.0.0.1"}


def post(**meta: str) -> Any:
    return APIClient(**{**LOCAL, **meta}).post(DISABLE, {"actor": "curl", "reason": "r"})


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"REMOTE_ADDR": "127.9.9.9"},
        {"REMOTE_ADDR": "::1", "HTTP_HOST": "[::1]:8000"},
        {"HTTP_HOST": "127.0.0.1:8000"},
        {"HTTP_HOST": "LOCALHOST:8000"},
        {"HTTP_SEC_FETCH_SITE": "same-origin", "HTTP_ORIGIN": "http://localhost"},
        {"HTTP_SEC_FETCH_SITE": "none"},
    ],
)  # fmt: skip
def test_a_caller_on_this_machine_needs_no_token(meta: dict[str, str]) -> None:
    answer = post(**meta)
    assert (answer.status_code, answer.json().get("changed_by")) == (200, "curl")


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "meta",
    [
        {"REMOTE_ADDR": "192.0.2.7"},
        {"REMOTE_ADDR": "::ffff:192.0.2.7"},
        {"REMOTE_ADDR": ""},
        {"REMOTE_ADDR": "localhost.example"},
        {"HTTP_HOST": "testserver"},
        {"HTTP_X_FORWARDED_FOR": "127.0.0.1"},
        {"HTTP_X_FORWARDED_HOST": "localhost"},
        {"HTTP_X_FORWARDED_PROTO": "http"},
        {"HTTP_X_REAL_IP": "127.0.0.1"},
        {"HTTP_FORWARDED": "for=127.0.0.1"},
        {"HTTP_VIA": "1.1 proxy"},
        {"HTTP_SEC_FETCH_SITE": "cross-site"},
        {"HTTP_SEC_FETCH_SITE": "same-site"},
        {"HTTP_SEC_FETCH_SITE": "odd"},
        {"HTTP_ORIGIN": "http://evil.example"},
        {"HTTP_ORIGIN": "http://localhost:3000"},
        {"HTTP_ORIGIN": "http://localhost.evil.example"},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_ORIGIN": "http://["},
        {"HTTP_ORIGIN": ""},
    ],
)  # fmt: skip
def test_whoever_is_elsewhere_or_another_sites_page_is_a_stranger(meta: dict[str, str]) -> None:
    answer = post(**meta)
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert "this machine's own callers alone" in answer.json()["detail"]
    assert not AuditEvent.objects.exists()


def test_reading_is_for_this_machine_alone_too() -> None:
    assert stranger().get("/api/governance/holds").status_code == 401
    assert APIClient(**LOCAL, HTTP_SEC_FETCH_SITE="cross-site").get("/api/governance/holds").status_code == 401


def test_a_trusted_proxy_makes_nobody_local(settings: LazySettings) -> None:
    settings.TRUSTED_PROXIES = [ip_network("127.0.0.1/32")]
    assert post(HTTP_X_FORWARDED_FOR="127.0.0.1").status_code == 401


def test_a_token_is_answered_from_elsewhere_with_its_own_rights() -> None:
    viewer = bearing(secret_of(UserFactory.create(roles=["viewer"])))
    assert viewer.get("/api/governance/holds").status_code == 200
    assert viewer.post(DISABLE, {"reason": "r"}).status_code == 403
    local = bearing(secret_of(UserFactory.create(roles=["viewer"])))
    local.defaults.update(LOCAL)
    assert local.post(DISABLE, {"reason": "r"}).status_code == 403
