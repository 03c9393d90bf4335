"""Whatever is asked of any address, the answer is none of 500, and an error is a problem that names what is wrong."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.urls import reverse
from rest_framework.test import APIClient

from governance import parameters
from tests.addresses import Address, addresses
from tests.riskguard.asking import PROBLEM
from tests.riskguard.factories import go_live

ALL = addresses()
PAGINATED = [address for address in ALL if address.is_paginated]
WRITTEN = [address for address in ALL if "post" in address.actions]
METHODS = ("get", "head", "options", "post", "put", "patch", "delete", "trace")
ODD_IDS = ("abc", "0", "-1", "1e3", "9223372036854775808", "9" * 40, "\0", "1 2", "💥")
ODD_CURSORS = ("abc", "\0", "💥", "cD1hYmM=", "cD0lMDA=", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk=", "cj14JnA9MQ==")
ODD_VALUES = (
    "\0", "💥", "%ED%A0%80", "", "abc", "9" * 40, "9223372036854775808", "-1", "NaN", "1e400", "0000-00-00",
    "9999-12-31", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-24T00:00:00", "x" * 9_000,
)  # fmt: skip
JSON, FORM, PARTS = "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
AS_A_FILE = b'--x\r\nContent-Disposition: form-data; name="actor"; filename="f"\r\n\r\na\r\n--x--\r\n'
ODD_BODIES = [
    (JSON, b""), (JSON, b"{"), (JSON, b"[]"), (JSON, b"null"), (JSON, b"\xff\xfe"), (JSON, b"[" * 50_000),
    (JSON, b'{"\\ud800":"\\udfff"}'), (JSON, b'{"actor":"\\u0000","reason":"\\ud800"}'), (JSON, b'{"actor":{"a":[1]}}'),
    (f"{JSON}; charset=rot13", b"{}"), (f"{JSON}; charset=zlib", b"{}"), (f"{JSON}; charset=nope", b"{}"),
    (FORM, b"actor=%00&reason=%FF"), (f"{FORM}; charset=base64", b"actor=a"), (FORM, b"&&==&actor"),
    (PARTS, b"--x\r\n"), (PARTS, AS_A_FILE),
    ("multipart/form-data", b"a"), ("text/plain", b"a"), ("", b"a"), ("garbage", b"a"), ("a/b/c; d", b"a"),
]  # fmt: skip


def known_to(address: Address) -> list[str] | None:
    return parameters.of(address.view(**address.given, action=address.actions.get("get")))


LISTS = [address for address in ALL if "get" in address.actions and known_to(address) is not None]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("_live")]
by_route = {"ids": lambda address: address.route}


@pytest.fixture
def _live(db: None) -> None:
    go_live()


@pytest.fixture
def api() -> APIClient:
    return APIClient(SERVER_NAME="localhost", raise_request_exception=False)


def _is_told(answer: Any, asked: object, *statuses: int) -> None:
    assert answer.status_code in statuses, (asked, answer.status_code, answer.content[:300])
    if answer.status_code >= 400 and answer.wsgi_request.method != "HEAD":
        assert answer["Content-Type"] == PROBLEM, asked
        assert answer.json()["detail"], asked


@pytest.mark.parametrize("address", ALL, **by_route)
def test_a_method_that_an_address_does_not_have_is_a_405(address: Address, api: APIClient) -> None:
    known = {"options", *address.actions, *({"head"} if "get" in address.actions else ())}
    for method in METHODS:
        answer = api.generic(method.upper(), address.at(), "" if method in {"get", "head"} else "{}", JSON)
        assert answer.status_code < 500, (method, answer.content)
        is_page = address.route in {"/docs", "/redoc"}
        assert (answer.status_code == 405) is (method not in known or (is_page and method == "options")), method


@pytest.mark.parametrize("address", [address for address in ALL if address.has_id], **by_route)
def test_an_id_that_is_none_is_a_404(address: Address, api: APIClient) -> None:
    for pk in ODD_IDS:
        path = address.at(quote(pk))
        method = next(iter(address.actions))
        answer = api.get(path) if method == "get" else api.post(path, {"actor": "jo", "reason": "r"})
        _is_told(answer, path, 400, 404)


@pytest.mark.parametrize("address", PAGINATED, **by_route)
def test_an_odd_cursor_or_page_size_is_a_400_that_names_it(address: Address, api: APIClient) -> None:
    for cursor in ODD_CURSORS:
        answer = api.get(address.at(), {"cursor": cursor})
        _is_told(answer, cursor, 400)
        assert list(answer.json()["errors"]) == ["cursor"]
    for size in ("abc", "0", "-1", "501", "1.5", "", "9" * 40, "\0"):
        answer = api.get(address.at(), {"page_size": size})
        _is_told(answer, size, 400)
        assert list(answer.json()["errors"]) == ["page_size"]
    for query in ({"page_size": "1"}, {"page_size": "500"}, {"cursor": ""}):
        assert api.get(address.at(), query).status_code == 200


@pytest.mark.parametrize("address", PAGINATED, **by_route)
def test_an_odd_filter_is_a_400_that_names_it_or_finds_nothing(address: Address, api: APIClient) -> None:
    for name in address.view.filterset_class.base_filters:
        for value in ODD_VALUES:
            sent = value if "%" in value else quote(value)
            answer = api.get(f"{address.at()}?{name}={sent}")
            _is_told(answer, (name, value), 200, 400)
            if answer.status_code == 400:
                assert list(answer.json()["errors"]) == [name]
        _is_told(api.get(address.at(), {name: "\0"}), (name, "NUL"), 400)


@pytest.mark.parametrize("address", LISTS, **by_route)
def test_a_parameter_that_a_list_does_not_know_is_a_400_that_names_it_and_the_known_ones(
    address: Address, api: APIClient
) -> None:
    known = known_to(address)
    assert known is not None
    for odd in ("statuss", "Page_size", "engine ", "💥", "limit"):
        answer = api.get(address.at(), {**dict.fromkeys(known, ""), odd: "x"})
        _is_told(answer, odd, 400)
        (said,) = answer.json()["errors"][odd]
        assert list(answer.json()["errors"]) == [odd]
        assert all(name in said for name in known) if known else "takes none" in said
    assert api.get(address.at(), {"format": "json"}).status_code == 200


def test_every_list_of_the_document_refuses_what_it_does_not_know(api: APIClient) -> None:
    document = api.get("/openapi.json").json()
    taking = {
        path
        for path, methods in document["paths"].items()
        if any(parameter["in"] == "query" for parameter in methods.get("get", {}).get("parameters", ()))
    }
    listed = {address.route for address in LISTS}
    assert taking <= listed
    bare = ["risk/ledger/today", "heimdall/scorecard/today", "regression/state"]
    assert listed - taking == {f"/api/governance/{path}" for path in bare}


@pytest.mark.parametrize("address", WRITTEN, **by_route)
def test_an_odd_body_is_no_500(address: Address, api: APIClient) -> None:
    for content_type, body in ODD_BODIES:
        answer = api.generic("POST", address.at(), body, content_type)
        _is_told(answer, (content_type, body[:40]), 200, 400, 404, 409, 412, 415)
        if content_type in {"text/plain", "", "garbage", "a/b/c; d"}:
            assert answer.status_code == 415, content_type


@pytest.mark.parametrize("address", ALL, **by_route)
def test_a_browser_is_shown_a_page_and_an_error_too(address: Address, api: APIClient) -> None:
    for_machines = address.route in {"/openapi.json", "/metrics", "/api/governance/gate"}
    answer = api.get(address.at(), headers={"accept": "text/html,*/*;q=0.8", "x-original-uri": "/health"})
    assert answer.status_code in {200, 204, 404, 405}
    assert for_machines or answer["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize(
    "path", ["/nowhere", "/api/nowhere", "/api/governance/nowhere", "/api/governance/holds/1/2", "/%00"]
)
def test_an_unknown_address_is_a_404_that_says_where_to_look(path: str, api: APIClient) -> None:
    answer = api.get(path)
    _is_told(answer, path, 404)
    assert answer.json()["code"] == "not_found"
    assert "/docs" in answer.json()["detail"]


def test_a_format_that_is_not_spoken_is_a_406(api: APIClient) -> None:
    _is_told(api.get(reverse("holds-list"), headers={"accept": "application/xml"}), "xml", 406)
