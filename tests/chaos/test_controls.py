"""What stops engines stops them at once, and stops nobody from saying how an action ended."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest

from tests.chaos.conftest import open_up
from tests.chaos.engines import Crowd, Line
from tests.cluster import Cluster
from tests.server import Site

# As many as gunicorn has threads, twice: every thread has had a connection to the database that is killed.
CALLERS = 16
ROUNDS = 3

pytestmark = [pytest.mark.postgresql, pytest.mark.xdist_group("chaos")]


@pytest.fixture
def line(served: Site) -> Iterator[Line]:
    """Return an operator's line to the site, on which everything is let go again in the end."""
    with closing(Line(served.address)) as line:
        yield line
        _turn(line, "release")
        open_up(line)


def test_settle_and_release_are_answered_under_every_stop_and_after_a_crash(
    cluster: Cluster, served: Site, line: Line
) -> None:
    def reserve(number: int) -> int:
        told = _called(served, "check-and-reserve", {"engine": "WHOLESALE", "amount": 100, "actor": f"bot-{number}"})
        assert told[0] == 200, told
        return int(told[1]["reservation_id"])

    with ThreadPoolExecutor(CALLERS) as callers:
        held = list(callers.map(reserve, range(CALLERS)))
        _turn(line, "engage")
        for engine in ("GLOBAL", "WHOLESALE"):
            nothing = {"max_open_risk": 0, "max_daily_exposure": 0, "max_daily_loss": 0, "enabled": False}
            _operate(line, "risk/policies/upsert", {"engine": engine, **nothing})
        cluster.kill()
        cluster.start()
        settle = ("settle", {"realized_loss": 3})
        release: tuple[str, dict[str, Any]] = ("release", {})
        answers = callers.map(
            lambda call: _called(served, call[1][0], {"reservation_id": call[0], "actor": "bot", **call[1][1]}),
            zip(held, [settle, release] * (CALLERS // 2), strict=True),
        )
        assert [status for status, _answer in answers] == [200] * CALLERS
    status, ruling = line.post("risk/check-and-reserve", {"engine": "WHOLESALE", "amount": 1, "actor": "bot"})
    assert (status, ruling["ok"], ruling["reason"]) == (200, False, "kill_switch_engaged")


def test_the_kill_switch_engages_at_once_under_full_load(served: Site, line: Line, tell: Callable[[str], None]) -> None:
    """Of the calls that begin after it has answered none is granted, by any worker."""
    idle = [_timed(lambda: _turn(line, "engage")) for _ in range(ROUNDS) if _turn(line, "release")]
    _turn(line, "release")
    crowd, loaded = Crowd(served.address, CALLERS), []
    with crowd.at_work():
        for _ in range(ROUNDS):
            crowd.work(CALLERS)
            loaded.append(_timed(lambda: _turn(line, "engage")))
            answered = time.monotonic()
            with crowd.standing_still():
                granted = [engine.newest_grant - answered for engine in crowd.engines if engine.newest_grant > answered]
                assert granted == []
                _turn(line, "release")
    before, under = (f"{1000 * statistics.median(times):.0f} ms" for times in (idle, loaded))
    tell(f"The kill switch: engaged in {before} at rest, in {under} beside {CALLERS} engines without a pause.")


def _timed(call: Callable[[], Any]) -> float:
    began = time.monotonic()
    call()
    return time.monotonic() - began


def _turn(line: Line, how: str) -> dict[str, Any]:
    return _operate(line, f"go-live/kill-switch/{how}", {})


def _operate(line: Line, path: str, body: dict[str, Any]) -> dict[str, Any]:
    status, answer = line.post(path, {**body, "actor": "ops", "reason": "chaos"})
    assert status == 200, answer
    return answer


def _called(served: Site, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    with closing(Line(served.address)) as line:
        return line.post(f"risk/{path}", body)
