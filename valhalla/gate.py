"""The law of the gate: whether a request may pass, by the state as the database has it at this moment."""

from __future__ import annotations

import logging
from typing import NamedTuple

from django.conf import settings

from golive import selectors
from golive.rules import GO_LIVE_DISABLED, KILL_SWITCH_ENGAGED
from golive.selectors import Reading
from governance import clock, metrics
from governance.holds import EVERYTHING
from valhalla import classification
from valhalla.classification import OBSERVE_ONLY, SANDBOX_EXEC, Kind

UNAVAILABLE = 503
_log = logging.getLogger(__name__)
# A label that is none of the classes is not harmless: a misspelt one closes.
HARMLESS = {OBSERVE_ONLY, SANDBOX_EXEC}


class Refusal(NamedTuple):
    """Why a request may not pass: the HTTP status, the reason for machines, and for people."""

    status: int
    code: str
    detail: str


def read() -> Reading | Refusal:
    """Return the switches and holds as they stand, in one query; where they cannot be read, the refusal of all."""
    try:
        with metrics.GATE_SECONDS.time():
            return selectors.reading(clock.now())
    except Exception:  # noqa: BLE001 -- whatever kept the state from being read, the answer is no
        _log.exception("The go-live state cannot be read: nothing may pass.")
        detail = "The control plane cannot read its state, so nothing may pass. See /health/ready."
        return Refusal(UNAVAILABLE, "GOVERNANCE_UNAVAILABLE", detail)


def judge(path: str, method: str) -> Reading | Refusal | None:
    """Judge a request that another service has received: what admits it, what refuses it, or None where it is exempt.

    ``path`` is as it was sent, without the query.
    """
    if classification.is_exempt(path):
        return None
    reading = read()
    if isinstance(reading, Refusal):
        return reading
    kind = classification.kind_of(path, method.upper())
    return while_disabled(reading) or while_held(reading, kind) or reading


def while_disabled(reading: Reading) -> Refusal | None:
    """Refuse everything while go-live is disabled, where enforcement is on."""
    if reading.go_live_enabled or not settings.GOVERNANCE_ENFORCED:
        return None
    detail = "Go-live is disabled: nothing runs in production until an operator enables it."
    return Refusal(403, "GO_LIVE_DISABLED", _with_reason(detail, reading.why(GO_LIVE_DISABLED)))


def while_held(reading: Reading, kind: Kind) -> Refusal | None:
    """Refuse what executes in production while the kill switch is engaged, or everything or its engine is held."""
    if kind.exec_class in HARMLESS:
        return None
    if reading.kill_switch_engaged and settings.GOVERNANCE_ENFORCED:
        detail = "The kill switch is engaged: nothing that acts in production may run."
        return Refusal(403, "KILL_SWITCH_ENGAGED", _with_reason(detail, reading.why(KILL_SWITCH_ENGAGED)))
    hold = reading.over(kind.engines)
    if hold is None:
        return None
    held = "Everything" if hold.scope == EVERYTHING else hold.scope
    return Refusal(403, "ENGINE_HELD", _with_reason(f"{held} is held ({hold.code}).", hold.reason))


def _with_reason(detail: str, reason: str) -> str:
    return f"{detail} Reason: {reason}" if reason else detail
