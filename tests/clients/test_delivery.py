"""KPI events: on size, on time, on close; kept while the governor is away, delivered once, and bounded."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from typing import Any

import pytest
from valhalla_governor import BufferFull, Buffering, Event, Governor, GovernorError, Invalid, Patience, Undelivered
from valhalla_governor.buffer import Buffer

from tests.acceptance.asking import GOVERNANCE
from tests.clients.conftest import Open, rows
from tests.clients.relay import AFTER, BEFORE, Relay
from tests.server import BASE_DIR

# What the client makes of answers is the same on both; see test_restarts.
pytestmark = [pytest.mark.sqlite, pytest.mark.xdist_group("clients")]
BATCH = f"{GOVERNANCE}/regression/kpi/batch"
NEVER = 3_600.0
BRIEF = Patience(attempt=2.0, total=0.3, first_pause=0.01, longest_pause=0.05)


def recorded(address: str, domain: str) -> list[str]:
    """Return the correlation ids of a domain's events, in order of arrival."""
    return [row["correlation_id"] for row in rows(address, f"regression/kpi?domain={domain}")]


def record(governor: Any, domain: str, *numbers: int) -> list[str]:
    for number in numbers:
        governor.record_kpi(domain, "signed", success=True, correlation_id=str(number))
    return [str(number) for number in numbers]


def until(condition: Any) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def sizes(relay: Relay) -> list[int]:
    return [len(body["items"]) for path, body, _key in relay.passed if path == BATCH]


class TestADelivery:
    def test_is_due_once_a_batch_is_full(self, opened: Open, engine: str, relay: Relay) -> None:
        governor = opened(relay.address, buffering=Buffering(batch=5, seconds=NEVER))
        record(governor, engine, *range(4))
        assert sizes(relay) == []
        record(governor, engine, 4)
        until(lambda: sizes(relay) == [5])
        assert recorded(relay.site, engine) == ["0", "1", "2", "3", "4"]

    def test_is_due_once_the_oldest_has_waited(self, opened: Open, engine: str, address: str) -> None:
        record(opened(address, buffering=Buffering(seconds=0.05)), engine, 1, 2)
        until(lambda: recorded(address, engine) == ["1", "2"])

    def test_can_be_asked_for(self, opened: Open, engine: str, address: str) -> None:
        governor = opened(address, buffering=Buffering(batch=2, seconds=NEVER))
        expected = record(governor, engine, *range(5))
        governor.flush()
        assert recorded(address, engine) == expected
        governor.flush()

    def test_comes_with_close_and_then_no_more_is_taken(self, opened: Open, engine: str, address: str) -> None:
        governor = opened(address, buffering=Buffering(seconds=NEVER))
        expected = record(governor, engine, 1, 2, 3)
        governor.close()
        assert recorded(address, engine) == expected
        with pytest.raises(GovernorError, match="closed"):
            record(governor, engine, 4)

    def test_comes_with_the_end_of_a_process_that_did_not_close(self, engine: str, address: str) -> None:
        program = (
            "from valhalla_governor import Governor, Buffering\n"
            f"governor = Governor({address!r}, actor='bot', buffering=Buffering(seconds={NEVER}))\n"
            f"governor.record_kpi({engine!r}, 'signed', success=True, correlation_id='last')\n"
        )
        source = {"PYTHONPATH": str(BASE_DIR / "clients/python/src")}
        subprocess.run([sys.executable, "-c", program], env=source, check=True, timeout=60)
        assert recorded(address, engine) == ["last"]

    def test_carries_numbers_as_well(self, governor: Any, engine: str, address: str) -> None:
        governor.record_kpi(engine, "roi", value=-1.5)
        governor.record_kpi(engine, "roi", value=0)
        governor.record_kpi(engine, "roi", success=False)
        governor.flush()
        found = rows(address, f"regression/kpi?domain={engine}")
        assert [(row["value"], row["success"]) for row in found] == [(-1.5, None), (0, None), (None, False)]


class TestAFailure:
    def test_keeps_the_events_and_delivers_each_once_in_order(self, opened: Open, engine: str, relay: Relay) -> None:
        relay.next = [BEFORE, AFTER, AFTER, (503, {"code": "busy"}), (500, b"")]
        governor = opened(relay.address, buffering=Buffering(batch=3, seconds=0.0))
        expected = record(governor, engine, *range(10))
        governor.flush()
        assert recorded(relay.site, engine) == expected
        assert len({key for _path, _body, key in relay.passed}) < len(relay.passed)

    def test_that_lasts_is_told_by_flush_and_the_events_are_kept(self, opened: Open, engine: str, relay: Relay) -> None:
        relay.down = True
        governor = opened(relay.address)
        expected = record(governor, engine, 1, 2)
        with pytest.raises(Undelivered, match="2 event") as raised:
            governor.flush(0.1)
        assert raised.value.kept
        assert [event.correlation_id for event in raised.value.events] == expected
        relay.down = False
        governor.flush()
        assert recorded(relay.site, engine) == expected

    def test_that_outlasts_close_hands_the_events_back(self, opened: Open, engine: str, relay: Relay) -> None:
        relay.down = True
        governor = opened(relay.address, buffering=Buffering(batch=1, close_seconds=0.1))
        record(governor, engine, 1, 2)
        with pytest.raises(Undelivered) as raised:
            governor.close()
        assert not raised.value.kept
        assert raised.value.events == tuple(Event(engine, "signed", True, None, number) for number in "12")
        governor.close()

    def test_fills_the_buffer_and_then_no_event_is_taken(self, opened: Open, engine: str, relay: Relay) -> None:
        relay.down = True
        governor = opened(relay.address, buffering=Buffering(batch=2, most=4))
        expected = record(governor, engine, *range(4))
        with pytest.raises(BufferFull, match="4 events"):
            record(governor, engine, 4)
        relay.down = False
        governor.flush()
        assert recorded(relay.site, engine) == expected
        record(governor, engine, 4)

    def test_of_one_event_sets_it_aside_and_delivers_the_rest(
        self, opened: Open, engine: str, relay: Relay, caplog: pytest.LogCaptureFixture
    ) -> None:
        relay.next = [(400, {"detail": "Malformed.", "errors": {"items.1.metric": ["Unheard of."]}})]
        governor = opened(relay.address, buffering=Buffering(batch=3, seconds=NEVER))
        record(governor, engine, 0, 1, 2)
        until(lambda: recorded(relay.site, engine) == ["0", "2"])
        with pytest.raises(Undelivered) as raised:
            governor.flush()
        assert not raised.value.kept
        assert [event.correlation_id for event in raised.value.events] == ["1"]
        assert "Unheard of." in caplog.text
        governor.flush()


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({"success": True, "value": 1.0}, "success"),
        ({}, "success"),
        ({"success": 1}, "success"),
        ({"value": float("nan")}, "value"),
        ({"value": 1.1e15}, "value"),
        ({"value": True}, "value"),
        ({"domain": "A B", "success": True}, "domain"),
        ({"metric": "", "success": True}, "metric"),
        ({"correlation_id": "x" * 65, "success": True}, "correlation_id"),
        ({"correlation_id": "\ud800", "success": True}, "correlation_id"),
    ],
)
def test_a_malformed_event_is_refused_when_it_comes(governor: Any, event: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as raised:
        governor.record_kpi(**{"domain": "A", "metric": "m", **event})
    assert list(raised.value.errors) == [field]


def test_what_the_governor_names_no_event_for_sets_the_whole_batch_aside() -> None:
    buffer = Buffer(Buffering(batch=2))
    events = [Event("A", "m", success=True, correlation_id=str(number)) for number in range(3)]
    for event in events:
        buffer.add(event, now=0.0)
    first = buffer.batch()
    assert first is not None
    assert buffer.refused({"actor": ["?"]}) == events[:2]
    assert (buffer.undelivered(), len(buffer)) == (events[2:], 3)
    assert buffer.batch() != first


def test_a_batch_has_one_key_until_it_is_acknowledged() -> None:
    buffer = Buffer(Buffering(batch=2))
    for number in range(3):
        buffer.add(Event("A", "m", success=True, correlation_id=str(number)), now=0.0)
    first = buffer.batch()
    assert buffer.batch() is first
    buffer.delivered()
    second = buffer.batch()
    assert first is not None
    assert second is not None
    assert (len(second.events), second.key == first.key) == (1, False)


@pytest.mark.parametrize("wrong", [{"batch": 0}, {"batch": 10_001, "most": 20_000}, {"batch": 5, "most": 4}])
def test_figures_that_deliver_nothing_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(Invalid):
        Buffering(**wrong)


def test_a_governor_from_before_a_fork_is_refused(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Governor(address, actor="bot") as governor:
        monkeypatch.setattr("os.getpid", lambda: -1)
        with pytest.raises(GovernorError, match="fork"):
            governor.record_kpi("A", "m", success=True)


def test_many_threads_lose_and_double_nothing(address: str, engine: str) -> None:
    def engine_thread(first: int) -> None:
        record(governor, engine, *range(first, first + 50))

    with Governor(address, actor="bot", buffering=Buffering(batch=40, seconds=0.01)) as governor:
        threads = [threading.Thread(target=engine_thread, args=(50 * number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(map(int, recorded(address, engine))) == list(range(200))
