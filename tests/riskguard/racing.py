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
from django.db.models import QuerySet

from governance import clock
from riskguard import verification

Attempt = Callable[[], list[str]]
"""One race: what went wrong in it, in words."""

PATIENCE = dt.timedelta(seconds=20)
WRITERS = "SHARE ROW EXCLUSIVE"


with_both_backends = pytest.mark.parametrize("backend", ["function", "python"], indirect=True)
with_and_without_locks = pytest.mark.parametrize("locks", [True, False], ids=["locks", "no_locks"])


class Caller(threading.Thread):
    """A thread with a connection of its own and a copy of the starter's context (the fixed clock)."""

    def __init__(self, call: Callable[[], Any], barrier: threading.Barrier | None = None) -> None:
        super().__init__(daemon=True)
        self._call, self._barrier, self._context = call, barrier, contextvars.copy_context()
        self.answer: Any = None
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            if self._barrier is not None:
                self._barrier.wait(timeout=PATIENCE.total_seconds())
            self.answer = self._context.run(self._call)
        except BaseException as error:  # noqa: BLE001 -- told to who waits for it
            self.error = error
        finally:
            connections.close_all()

    def outcome(self) -> Any:
        """Wait for the end and return the answer, or the error as a value."""
        self.join(timeout=PATIENCE.total_seconds())
        assert not self.is_alive(), "a caller is stuck"
        return self.answer if self.error is None else self.error

    def told(self) -> Any:
        """Wait for the end and return the answer; raise what the call raised."""
        told = self.outcome()
        if self.error is not None:
            raise self.error
        return told


class _Line(threading.Thread):
    """A thread that makes one call after another on a connection of its own.

    It is kept from race to race: to connect, and to read the database's functions for the first time, takes many times
    as long as a call, and callers that set out at once would not arrive at once.
    """

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._asked: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = queue.SimpleQueue()
        self.start()

    def ask(self, call: Callable[[], Any], barrier: threading.Barrier) -> Future[Any]:
        context, answer = contextvars.copy_context(), Future[Any]()

        def made() -> Any:
            barrier.wait(timeout=PATIENCE.total_seconds())
            return context.run(call)

        self._asked.put((made, answer))
        return answer

    def run(self) -> None:
        while asked := self._asked.get():
            call, answer = asked
            try:
                told = call()
            except BaseException as error:  # noqa: BLE001 -- told to who waits for it
                connection.close_if_unusable_or_obsolete()
                answer.set_exception(error)
            else:
                answer.set_result(told)
        connections.close_all()

    def hang_up(self) -> None:
        self._asked.put(None)
        self.join()


_lines: list[_Line] = []


def race(*calls: Callable[[], Any]) -> list[Any]:
    """Make every call at once and return their answers in order; an error stands for the answer that it prevented."""
    barrier = threading.Barrier(len(calls))
    _lines.extend(_Line() for _ in range(len(calls) - len(_lines)))
    answers = [line.ask(call, barrier) for line, call in zip(_lines, calls, strict=False)]
    return [answer.exception(timeout=PATIENCE.total_seconds()) or answer.result() for answer in answers]


def hang_up() -> None:
    """Close the connections of every race that there was."""
    while _lines:
        _lines.pop().hang_up()


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
    """Take every row lock out, of the ORM and of the database's own functions: what must then go wrong, does."""
    with monkeypatch.context() as patch:
        patch.setattr(QuerySet, "select_for_update", lambda rows, *_args, **_kwargs: rows.all())
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
