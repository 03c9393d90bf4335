from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import LazySettings
from django.test import Client

from governance import origin
from tests.valhalla.test_settings import KEY, told
from valhalla import logs

Lines = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def written() -> Iterator[Lines]:
    """Write what is logged as the site does; return what was written."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.formatter("json"))
    logging.getLogger().addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]  # what is not JSON fails the test
    logging.getLogger().removeHandler(handler)


def test_a_line_is_an_object_with_time_level_logger_and_message(written: Lines) -> None:
    logging.getLogger("riskguard").warning("%s was busy", "WHOLESALE")
    (line,) = written()
    assert (line["level"], line["logger"], line["event"]) == ("warning", "riskguard", "WHOLESALE was busy")
    assert line["at"].endswith("Z")
    assert "request_id" not in line


def test_a_line_within_a_request_bears_its_id_and_address(written: Lines) -> None:
    with origin.of(request_id="trace-0123", address="192.0.2.7"):
        logging.getLogger("golive").warning("x")
    (line,) = written()
    assert (line["request_id"], line["address"]) == ("trace-0123", "192.0.2.7")


def test_a_message_of_several_lines_is_one_line(written: Lines) -> None:
    logging.getLogger("golive").warning('a\n{"level": "forged"}')
    assert len(written()) == 1


@pytest.mark.usefixtures("live")
@pytest.mark.parametrize("path", ["/api/fails", "/nothing/here"])
def test_what_django_logs_of_an_answer_bears_the_id_of_the_answer(written: Lines, path: str) -> None:
    answer = Client(raise_request_exception=False).get(path)
    lines = [line for line in written() if line["logger"] == "django.request"]
    assert lines
    assert {line["request_id"] for line in lines} == {answer["X-Request-ID"]}
    assert ("exception" in lines[0]) is (answer.status_code == 500)


@pytest.mark.usefixtures("seeded")
def test_a_refusal_of_the_gate_bears_it_too(written: Lines) -> None:
    answer = Client().get("/api/deals", headers={"X-Request-ID": "trace-0123"})
    assert answer["X-Request-ID"] == "trace-0123"
    assert "trace-0123" in {line.get("request_id") for line in written()}


def test_a_plain_line_is_for_a_terminal() -> None:
    record = logging.makeLogRecord({"name": "golive", "levelname": "INFO", "msg": "x"})
    assert logs.formatter("line").format(record).endswith(" INFO golive x")


def test_production_logs_json_and_a_terminal_can_ask_for_lines(settings: LazySettings) -> None:
    assert told(SECRET_KEY=KEY)["LOGGING"]["handlers"]["stderr"]["formatter"] == "json"
    assert told(SECRET_KEY=KEY, LOG_FORMAT="line")["LOGGING"]["handlers"]["stderr"]["formatter"] == "line"
