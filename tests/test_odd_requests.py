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
PAGES = {"/docs", "/redoc"}
ODD_IDS = ("abc", "0", "-1", "1e3", "9223372036854775808", "9" * 40, "\0", "1 2", "💥")
ODD_CURSORS = ("abc", "\0", "💥", "cD1hYmM=", "cD0lMDA=", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk=", "cj14JnA9MQ==")
ODD_VALUES = (
    "\0", "💥", "%ED%A0%80", "", "abc", "9" * 40, "9223372036854775808", "-1", "NaN", "1e400", "0000-00-00",
    "9999-12-31", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-11-24T00:00:00", "x" * 9_000,
)  # fmt: skip
JSON, FORM, PARTS = "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
AS_A_FILE = b'--x\r\nContent-Disposition: form-data; name="actor"; filename="f"\r\n\r\na\r\n--x--\r\n'
# What no parser understands, and what a view is given.
UNREADABLE = [
    (JSON, b"{"), (JSON, b"\xff\xfe"), (JSON, b"[" * 50_000), (f"{JSON}; charset=rot13", b"{}"),
    (f"{JSON}; charset=zlib", b"{}"), (f"{JSON}; charset=nope", b"{}"), (f"{FORM}; charset=base64", b"actor=a"),
    (PARTS, b"--x\r\n"), ("multipart/form-data", b"a"), ("text/plain", b"a"), ("", b"a"), ("garbage", b"a"),
    ("a/b/c; d", b"a"),
]  # fmt: skip
ODD_BODIES = [
    (JSON, b""), (JSON, b"[]"), (JSON, b"null"), (JSON, b'{"\\ud800":"\\udfff"}'),
    (JSON, b'{"actor":"\\u0000","reason":"\\ud800"}'), (JSON, b'{"actor":{"a":[1]}}'), (FORM, b"actor=%00&reason=%FF"),
    (FORM, b"&&==&actor"), (PARTS, AS_A_FILE),
]  # fmt: skip


def known_to(address: Address) -> list[str] | None:
    return parameters.of(address.view(**address.given, action=address.actions.get("get")))


# Whatever a view does, its parsers read the body.
ONE_OF_EACH_PARSER = list({tuple(address.view.parser_classes): address for address in WRITTEN}.values())
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


@pytest.mark.sqlite
@pytest.mark.parametrize("address", ALL, **by_route)
def test_a_method_that_an_address_does_not_have_is_a_405(address: Address, api: APIClient) -> None:
    """A view answers 405 to whatever is not among those that it tells."""
    known = {*address.actions, *({"head"} if "get" in address.actions else ())}
    answer = api.options(address.at())
    told = {method.strip().lower() for method in answer["Allow"].split(",")}
    assert told - {"options"} == known
    assert answer.status_code == (405 if address.route in PAGES else 200)
    for method in ("TRACE", "PUT" if "post" in known else "POST"):
        assert api.generic(method, address.at(), "{}", JSON).status_code == 405, method


@pytest.mark.sqlite
def test_every_method_is_answered_by_405_or_the_view(api: APIClient) -> None:
    for method in METHODS:
        known = method in {"get", "head", "options"}
        answer = api.generic(method.upper(), reverse("holds-list"), "" if known else "{}", JSON)
        _is_told(answer, method, 200 if known else 405)


@pytest.mark.parametrize("address", [address for address in ALL if address.has_id], **by_route)
def test_an_id_that_is_none_is_a_404(address: Address, api: APIClient) -> None:
    for pk in ODD_IDS:
        path = address.at(quote(pk))
        method = next(iter(address.actions))
        answer = api.get(path) if method == "get" else api.post(path, {"actor": "jo", "reason": "r"})
        _is_told(answer, path, 400, 404)


@pytest.mark.postgresql
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
    """Each value by every filter at once, and then by those of them that take it."""
    names = set(address.view.filterset_class.base_filters)
    for value in ODD_VALUES:
        sent, takers = value if "%" in value else quote(value), names
        answer = api.get(f"{address.at()}?{'&'.join(f'{name}={sent}' for name in takers)}")
        if answer.status_code == 400:
            _is_told(answer, value, 400)
            refusing = set(answer.json()["errors"])
            assert refusing <= names
            assert value != "\0" or refusing == names
            takers = names - refusing
            answer = api.get(f"{address.at()}?{'&'.join(f'{name}={sent}' for name in takers)}")
        _is_told(answer, (takers, value), 200)


@pytest.mark.sqlite
@pytest.mark.parametrize("address", LISTS, **by_route)
def test_a_parameter_that_a_list_does_not_know_is_a_400_that_names_it_and_the_known_ones(
    address: Address, api: APIClient
) -> None:
    known = known_to(address)
    assert known is not None
    odd = dict.fromkeys(("statuss", "Page_size", "engine ", "💥", "limit"), "x")
    answer = api.get(address.at(), {**dict.fromkeys(known, ""), **odd})
    _is_told(answer, odd, 400)
    assert answer.json()["errors"].keys() == odd.keys()
    for (said,) in answer.json()["errors"].values():
        assert all(name in said for name in known) if known else "takes none" in said
    assert api.get(address.at(), {"format": "json"}).status_code == 200


@pytest.mark.sqlite
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


@pytest.mark.postgresql
@pytest.mark.parametrize("address", WRITTEN, **by_route)
def test_an_odd_body_is_no_500(address: Address, api: APIClient) -> None:
    for content_type, body in ODD_BODIES:
        answer = api.generic("POST", address.at(), body, content_type)
        _is_told(answer, (content_type, body), 200, 400, 404, 409, 412)


@pytest.mark.sqlite
@pytest.mark.parametrize("address", ONE_OF_EACH_PARSER, **by_route)
def test_a_body_that_cannot_be_read_is_a_400_or_a_415(address: Address, api: APIClient) -> None:
    for content_type, body in UNREADABLE:
        answer = api.generic("POST", address.at(), body, content_type)
        no_type = content_type in {"text/plain", "", "garbage", "a/b/c; d"}
        _is_told(answer, (content_type, body[:40]), 415 if no_type else 400)


@pytest.mark.sqlite
@pytest.mark.parametrize("address", ALL, **by_route)
def test_a_browser_is_shown_a_page_and_an_error_too(address: Address, api: APIClient) -> None:
    for_machines = address.route in {"/openapi.json", "/metrics", "/api/governance/gate"}
    answer = api.get(address.at(), headers={"accept": "text/html,*/*;q=0.8", "x-original-uri": "/health"})
    assert answer.status_code in {200, 204, 404, 405}
    assert for_machines or answer["Content-Type"] == "text/html; charset=utf-8"


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "path", ["/nowhere", "/api/nowhere", "/api/governance/nowhere", "/api/governance/holds/1/2", "/%00"]
)
def test_an_unknown_address_is_a_404_that_says_where_to_look(path: str, api: APIClient) -> None:
    answer = api.get(path)
    _is_told(answer, path, 404)
    assert answer.json()["code"] == "not_found"
    assert "/docs" in answer.json()["detail"]


@pytest.mark.sqlite
def test_a_format_that_is_not_spoken_is_a_406(api: APIClient) -> None:
    _is_told(api.get(reverse("holds-list"), headers={"accept": "application/xml"}), "xml", 406)
