"""Refused attempts in the trail: who asked for what the role does not include, or for an engine that the token does not
name.

A loop must not fill the trail: of each account and operation the 1st, 10th, 100th, 1,000th … attempt of a minute is a
row, and says which it is. So whoever hammers leaves a handful of rows a minute, and they tell how hard. Each process
counts for itself. Strangers leave none, since anybody can be one: they are in the log.
"""

from __future__ import annotations

import logging
import re
import threading

from django.contrib.admindocs.views import simplify_regex
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest

from governance import audit, clock
from governance.models import AuditEvent

ATTEMPT = "request.attempt"
MAX_TARGET = 160
_CONVERTER = re.compile(r"<\w+:")
_METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
_log = logging.getLogger(__name__)
_lock = threading.Lock()
_counts: dict[tuple[str, str], int] = {}
_of_minute = 0


def refused(request: HttpRequest, *, actor: str, why: str) -> None:
    """Record that ``actor`` was refused; where the trail cannot be written the answer is still the refusal."""
    operation = operation_of(request)
    attempt = _count(actor, operation)
    if attempt != 10 ** (len(str(attempt)) - 1):
        return
    try:
        audit.record(
            action=ATTEMPT,
            target=operation,
            actor=actor,
            outcome=AuditEvent.Outcome.REFUSED,
            reason=why,
            after={"attempt_of_the_minute": attempt},
        )
    except (DatabaseError, InterfaceError):
        _log.exception("A refused attempt of %s at %s could not be recorded.", actor, operation)


def operation_of(request: HttpRequest) -> str:
    """Return the method and the route (``POST /api/governance/changes/<pk>/approve``): there are only so many."""
    method = request.method if request.method in _METHODS else "OTHER"
    route = request.resolver_match.route if request.resolver_match else request.path_info
    plain = simplify_regex(_CONVERTER.sub("<", route)).rstrip("/")
    return f"{method} {plain}"[:MAX_TARGET]


def _count(actor: str, operation: str) -> int:
    """Return how many attempts this one makes in its minute; what an earlier minute counted is forgotten."""
    global _of_minute  # noqa: PLW0603 -- under the lock
    minute = int(clock.now().timestamp() // 60)
    with _lock:
        if minute != _of_minute:
            _counts.clear()
            _of_minute = minute
        _counts[actor, operation] = _counts.get((actor, operation), 0) + 1
        return _counts[actor, operation]
