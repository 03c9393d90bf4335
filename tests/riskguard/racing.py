"""Callers at once: threads on a barrier, each with its own connection, over a database that they share for real."""

from __future__ import annotations

import contextvars
import datetime as dt
import queue
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, connections, transaction

from governance import clock
from riskguard import verification

Attempt = Callable[[], list[str]]
"""One race: what went wrong in it, in words."""

PATIENCE = dt.timedelta(seconds=20)
WRITERS = "SHARE ROW EXCLUSIVE"


with_both_backends = pytest.mark.parametrize("backend", ["function", "python"], indirect=True)
with_and_without_locks = pytest.mark.parametrize("locks", [True, False], ids=["locks", "no_locks"])


class Caller:
    """A call in a thread with a connection of its own, and a copy of the starter's context (the fixed clock)."""

    def __init__(self, call: Callable[[], Any], barrier: threading.Barrier | None = None) -> None:
        context = contextvars.copy_context()

        def made() -> Any:
            if barrier is not None:
                barrier.wait(timeout=PATIENCE.total_seconds())
            return context.run(call)

        self._answer = (_idle.pop() if _idle else _Line()).ask(made)

    def is_alive(self) -> bool:
        return not self._answer.done()

    def outcome(self) -> Any:
        """Wait for the end and return the answer, or the error as a value."""
        error = self._answer.exception(timeout=PATIENCE.total_seconds())
        return self._answer.result() if error is None else error

    def told(self) -> Any:
        """Wait for the end and return the answer; raise what the call raised."""
        return self._answer.result(timeout=PATIENCE.total_seconds())


class _Line(threading.Thread):
    """A thread that makes one call after another on the same connection.

    It is kept from race to race: to connect, and to read the database's functions for the first time, takes many times
    as long as a call, and callers that set out at once would not arrive at once.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._asked: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self.start()

    def ask(self, call: Callable[[], Any]) -> Future[Any]:
        answer = Future[Any]()
        self._asked.put((call, answer))
        return answer

    def run(self) -> None:
        while asked := self._asked.get():
            self._answer(*asked)
        connections.close_all()

    def _answer(self, call: Callable[[], Any], answer: Future[Any]) -> None:
        told, failed = None, None
        try:
            told = call()
        except BaseException as error:  # noqa: BLE001 -- told to who waits for it
            failed = error
        connection.close_if_unusable_or_obsolete()
        _idle.append(self)
        if failed is None:
            answer.set_result(told)
        else:
            answer.set_exception(failed)

    def hang_up(self) -> None:
        self._asked.put(None)
        self.join()


_idle: list[_Line] = []


def hang_up() -> None:
    """Close the connections of all callers that there were."""
    while _idle:
        _idle.pop().hang_up()


def race(*calls: Callable[[], Any]) -> list[Any]:
    """Make every call at once and return their answers in order; an error stands for the answer that it prevented."""
    barrier = threading.Barrier(len(calls))
    return [caller.outcome() for caller in [Caller(call, barrier) for call in calls]]


def errors(answers: list[Any]) -> list[BaseException]:
    return [answer for answer in answers if isinstance(answer, BaseException)]


def differences() -> list[str]:
    """Return where ledger, reservations and events disagree."""
    return [str(difference) for difference in verification.differences()]


def until_waiting(*callers: Caller) -> None:
    """Return once each caller waits for a lock of the database, or has ended."""
    deadline = dt.datetime.now(dt.UTC) + PATIENCE
    while dt.datetime.now(dt.UTC) < deadline:
        ended = sum(not caller.is_alive() for caller in callers)
        with connection.cursor() as cursor:
            # Within a transaction the list of backends stays as it was first seen.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            waiting = cursor.fetchone()[0]
        if waiting + ended >= len(callers):
            return
    raise AssertionError("the callers neither wait nor end")


@contextmanager
def holding_writes(table: str) -> Iterator[None]:
    """Let everyone read ``table`` and nobody write it inside the block: who decides has decided when it ends."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"LOCK TABLE {table} IN {WRITERS} MODE")
        yield


def impatient(call: Callable[[], Any], milliseconds: int = 100) -> Callable[[], Any]:
    """Return ``call`` with a shorter wait for locks than the site's."""

    def called() -> Any:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {milliseconds}")
        try:
            return call()
        finally:
            with connection.cursor() as cursor:
                cursor.execute("RESET lock_timeout")

    return called


def at(moment: dt.datetime, call: Callable[[], Any]) -> Callable[[], Any]:
    """Return ``call`` as made at ``moment``."""

    def called() -> Any:
        with clock.at(moment):
            return call()

    return called


@contextmanager
def no_locks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take every row lock out, of Python and of the database's own functions: what must then go wrong, does."""
    with monkeypatch.context() as patch:
        patch.setattr(type(connection.features), "has_select_for_update", False)
        originals = _functions() if connection.vendor == "postgresql" else []
        try:
            for source in originals:
                _run(re.sub(r"\bFOR\s+(NO\s+KEY\s+)?UPDATE(\s+OF\s+\w+)?\b", "", source, flags=re.IGNORECASE))
            yield
        finally:
            for source in originals:
                _run(source)


def _functions() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_get_functiondef(oid) FROM pg_proc "
            "WHERE pronamespace = 'public'::regnamespace AND prokind = 'f' AND proname ~ '^(risk|governance|kpi)_'"
        )
        return [source for (source,) in cursor.fetchall()]


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
