"""The governor's answers as what to raise: RFC 9457 problems by status and code, and answers that never came."""

from __future__ import annotations

import dataclasses
import http
from collections.abc import Mapping
from typing import Any

from valhalla_governor.calls import Answer, Lost, Outcome
from valhalla_governor.errors import Busy, Conflict, GovernorError, Invalid, NotAllowed, NotFound, Unavailable

BUSY = "busy"
# These 503 come before anything is done, or after all of it has been undone; of others that is not certain.
UNDONE = {BUSY, "GOVERNANCE_UNAVAILABLE"}


@dataclasses.dataclass(frozen=True, slots=True)
class Trouble:
    """Why a call has no good answer: what to raise, and whether to send it again.

    ``passing``: it may go by itself. ``undone``: nothing was done, for certain. ``wait``: seconds that were asked for.
    """

    error: GovernorError
    passing: bool = False
    undone: bool = False
    wait: float = 0.0


def read(outcome: Outcome) -> Mapping[str, Any] | Trouble:
    """Return the body of a good answer, else the trouble."""
    if isinstance(outcome, Lost):
        return Trouble(Unavailable(outcome.why), passing=True, undone=not outcome.reached)
    body = outcome.body
    if outcome.status >= http.HTTPStatus.MULTIPLE_CHOICES:
        return _problem(outcome, body or {})
    if body is None:
        return Trouble(Unavailable(f"An answer with status {outcome.status} is no JSON object."), passing=True)
    if body.get("ok") is False and body.get("reason") == BUSY:
        return Trouble(Busy(str(body.get("message", ""))), passing=True, undone=True)
    return body


def _problem(answer: Answer, body: Mapping[str, Any]) -> Trouble:
    status, code = answer.status, str(body.get("code", ""))
    detail = str(body.get("detail") or f"The governor answered with status {status}.")
    if status == http.HTTPStatus.TOO_MANY_REQUESTS:
        return Trouble(Busy(detail), passing=True, undone=True, wait=_seconds(answer))
    if status == http.HTTPStatus.SERVICE_UNAVAILABLE and code in UNDONE:
        error = Busy(detail) if code == BUSY else Unavailable(detail)
        return Trouble(error, passing=True, undone=True, wait=_seconds(answer))
    if status >= http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return Trouble(Unavailable(detail), passing=True, wait=_seconds(answer))
    return Trouble(_mistake(status, code, detail, body.get("errors")))


def _mistake(status: int, code: str, detail: str, errors: Any) -> GovernorError:
    """Return what the same call would meet again."""
    match status:
        case http.HTTPStatus.UNAUTHORIZED | http.HTTPStatus.FORBIDDEN:
            return NotAllowed(code or "not_allowed", detail)
        case http.HTTPStatus.NOT_FOUND:
            return NotFound(detail)
        case http.HTTPStatus.CONFLICT:
            return Conflict(code or "conflict", detail)
        case _ if http.HTTPStatus.BAD_REQUEST <= status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
            return Invalid(detail, errors if isinstance(errors, Mapping) else None)
    return Unavailable(f"{detail} Is this address the governor's own?")


def _seconds(answer: Answer) -> float:
    told = next((value for name, value in answer.headers.items() if name.lower() == "retry-after"), "")
    return float(told) if told.strip().isdecimal() else 0.0
