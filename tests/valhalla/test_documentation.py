from __future__ import annotations

import json
import re
import time
from concurrent.futures import ThreadPoolExecutor
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import pytest
from django.contrib.staticfiles import finders
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from riskguard import services as riskguard
from valhalla import documentation

PAGES = ["/docs", "/docs/", "/redoc", "/redoc/"]
UNSAFE = {"post", "put", "patch", "delete"}
# The document is the same on both, and one worker makes it once.
pytestmark = [pytest.mark.sqlite, pytest.mark.xdist_group("documentation")]


@pytest.fixture(scope="module")
def document(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the document; a warning or a breach of OpenAPI's own schema stops the command."""
    path = tmp_path_factory.mktemp("schema") / "openapi.json"
    call_command("spectacular", "--validate", "--fail-on-warn", "--format=openapi-json", f"--file={path}")
    told: dict[str, Any] = json.loads(path.read_text())
    return told


@pytest.fixture(scope="module")
def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_the_document_is_made_once_by_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def slow(_generator: SchemaGenerator, **_asked: Any) -> dict[str, Any]:
        time.sleep(0.05)
        made.append(1)
        return {"made": len(made)}

    monkeypatch.setattr(documentation, "_MADE", WeakKeyDictionary())
    monkeypatch.setattr(SchemaGenerator, "get_schema", slow)
    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda _number: APIClient(SERVER_NAME="localhost").get("/openapi.json"), range(4)))
    assert [answer.json() for answer in answers] == [{"made": 1}] * 4


def named_urls(html: str) -> list[str]:
    urls: list[str] = []

    class Links(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            urls.extend(value or "" for name, value in attrs if name in {"src", "href", "spec-url", "action"})

    Links().feed(html)
    return urls


@pytest.mark.django_db
@pytest.mark.parametrize("page", PAGES)
def test_a_page_and_all_that_it_names_come_from_this_host(api: APIClient, page: str) -> None:
    answer = api.get(page)
    assert answer.status_code == 200
    urls = named_urls(answer.content.decode())
    assert urls
    for url in urls:
        assert not re.match(r"(https?:)?//", url), url
        if not url.startswith(("data:", "#")):
            named = api.get(url)
            assert named.status_code == 200, url
            named.close()


def test_redoc_is_its_makers_script_without_the_makers_host(api: APIClient) -> None:
    answer = api.get("/redoc/script.js")
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    told = answer.content.decode()
    original = Path(str(finders.find("drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js"))).read_text()
    assert original.count("https://cdn.redoc.ly/") == 1
    assert "cdn.redoc.ly" not in told
    assert 'src:"/static/valhalla/favicon.svg"' in told
    assert api.post("/redoc/script.js").status_code == 405


def test_the_document_is_served_to_anyone(api: APIClient, document: dict[str, Any]) -> None:
    assert api.get("/openapi.json").json()["paths"].keys() == document["paths"].keys()


def test_every_operation_is_grouped_and_told_in_words(
    document: dict[str, Any], operations: dict[str, dict[str, Any]]
) -> None:
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    assert {"Go-live", "Risk guard", "Heimdall", "Regression tripwire"} <= set(tags)
    assert all(tags.values())
    for operation in operations.values():
        assert set(operation["tags"]) <= set(tags)
        assert operation["summary"]
    ids = [operation["operationId"] for operation in operations.values()]
    assert len(ids) == len(set(ids))
    assert {"go_live_enable", "risk_check_and_reserve", "heimdall_recommend", "regression_kpi_create"} <= set(ids)


def test_every_failure_is_told_as_problem_details(operations: dict[str, dict[str, Any]]) -> None:
    for name, operation in operations.items():
        failures = {status: body for status, body in operation["responses"].items() if status >= "4"}
        assert "default" in failures, name
        for status, body in failures.items():
            if name == "get /health/ready" and status == "503":
                continue
            assert list(body["content"]) == ["application/problem+json"], (name, status)
            assert body["description"]


@pytest.mark.parametrize(
    ("operation", "statuses"),
    [
        ("get /health", {"200", "default"}),
        ("get /api/governance/go-live/state", {"200", "401", "403", "503", "default"}),
        ("get /api/governance/risk/events", {"200", "400", "401", "403", "503", "default"}),
        ("get /api/governance/holds/{id}", {"200", "400", "401", "403", "404", "503", "default"}),
        ("post /api/governance/risk/policies/upsert", {"200", "202", "400", "401", "403", "409", "503", "default"}),
    ],
)
def test_the_failures_are_those_that_can_occur(
    operations: dict[str, dict[str, Any]], operation: str, statuses: set[str]
) -> None:
    assert set(operations[operation]["responses"]) == statuses


def test_every_write_takes_json_and_forms(operations: dict[str, dict[str, Any]]) -> None:
    for name, operation in operations.items():
        if name.split()[0] in UNSAFE:
            assert {"application/json", "application/x-www-form-urlencoded"} <= set(operation["requestBody"]["content"])


def test_no_address_is_told_with_a_trailing_slash(document: dict[str, Any]) -> None:
    assert [path for path in document["paths"] if path.endswith("/")] == []


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ("post /api/governance/go-live/enable", "412"),
        ("post /api/governance/changes/{id}/approve", "409"),
        ("post /api/governance/changes/{id}/approve", "412"),
        ("post /api/governance/regression/incidents/{id}/resolve", "409"),
        ("post /api/governance/risk/check-and-reserve", "409"),
        ("post /api/governance/risk/settle", "404"),
        ("post /api/governance/risk/settle", "409"),
        ("post /api/governance/risk/release", "409"),
        ("post /api/deals", "404"),
        ("post /api/deals", "409"),
        ("get /api/governance/gate", "403"),
    ],
)
def test_an_operations_own_failures_are_told(
    operations: dict[str, dict[str, Any]], operation: str, status: str
) -> None:
    assert status in operations[operation]["responses"]


MONEY = re.compile(
    r"amount|realized_loss|max_(daily|open|amount).*|(exposure|open_risk|loss)_(used|reserved|left|delta)|exposure_used"
)


def test_every_figure_of_money_says_its_unit(document: dict[str, Any]) -> None:
    seen = set()
    for name, shape in document["components"]["schemas"].items():
        for field, told in shape.get("properties", {}).items():
            if MONEY.fullmatch(field):
                seen.add(field)
                assert re.search("minor units|currency units", told.get("description", "")), (name, field)
    assert {"amount", "realized_loss", "max_daily_exposure", "exposure_used", "exposure_left"} <= seen


@pytest.mark.parametrize(
    "path",
    [
        "go-live/enable", "go-live/kill-switch/engage", "risk/policies/upsert", "risk/check-and-reserve", "risk/settle",
        "risk/release", "heimdall/policies/upsert", "heimdall/recommend", "heimdall/sandbox/trial",
        "regression/policies/upsert", "regression/kpi", "regression/evaluate", "regression/rearm",
    ],
)  # fmt: skip
def test_the_main_operations_show_a_body_that_is_accepted(
    api: APIClient, live: None, operations: dict[str, dict[str, Any]], path: str
) -> None:
    riskguard.reserve(engine="WHOLESALE", amount=1, actor="bot")
    content = operations[f"post /api/governance/{path}"]["requestBody"]["content"]["application/json"]
    assert content["examples"]
    for example in content["examples"].values():
        answer = api.post(f"/api/governance/{path}", example["value"])
        # Reservation 1 is another test's, where ids go on.
        assert answer.status_code in {200, 201, 404}, answer.content


def test_an_example_of_an_answer_is_shaped_as_the_answer_is(
    api: APIClient, live: None, operations: dict[str, dict[str, Any]]
) -> None:
    reserve = "/api/governance/risk/check-and-reserve"
    content = operations[f"post {reserve}"]["responses"]["200"]["content"]["application/json"]
    for shown, amount in zip(content["examples"].values(), (50_000, 2_000_000), strict=True):
        told = api.post(reserve, {"engine": "WHOLESALE", "amount": amount}).json()
        assert (shown["value"]["ok"], shown["value"]["reason"]) == (told["ok"], told["reason"])
        assert shown["value"].keys() == told.keys()
        for part in ("policy", "ledger"):
            assert shown["value"][part].keys() == told[part].keys()


def test_every_filter_says_what_it_narrows_by(operations: dict[str, dict[str, Any]]) -> None:
    for name, operation in operations.items():
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "query":
                assert parameter.get("description"), (name, parameter["name"])
