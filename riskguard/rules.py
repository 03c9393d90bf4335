"""The law of the caps: whether an amount fits, which cap refuses it, and what loosens one. Pure functions on values.

All money is in integer minor units. A cap of None is no cap; 0 allows nothing.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from governance import overrides

GLOBAL = "GLOBAL"

RESERVED = "reserved"
POLICY_MISSING = "policy_missing"
POLICY_DISABLED = "policy_disabled"
LOSS_CAP_REACHED = "loss_cap_reached"
WOULD_EXCEED = "would_exceed_policy"
STALE_EPOCH = "stale_epoch"
KEY_REUSED = "idempotency_key_reused"
BUSY = "busy"
OVERRIDE_ENDED = "override_ended"

# Of several refusals the one of the lowest rank is named; holds carry ranks on the same scale.
RANK_STALE, RANK_MISSING, RANK_ENDED, RANK_DISABLED = 22, 25, 28, 30

CAPS = (
    "max_daily_loss",
    "max_daily_exposure",
    "max_open_risk",
    "max_amount_per_action",
    "max_actions_per_day",
    "max_actions_per_minute",
)

# What an end takes back.
ENDING = frozenset({*CAPS, "enabled"})

# Which counter of the day each cap limits; the others limit one action, or a minute.
USED_OF = {
    "max_daily_loss": "realized_loss",
    "max_daily_exposure": "exposure_used",
    "max_open_risk": "open_risk_reserved",
    "max_actions_per_day": "actions_count",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Caps:
    """The limits of one policy; None is no limit."""

    max_daily_loss: int | None
    max_daily_exposure: int | None
    max_open_risk: int | None
    max_amount_per_action: int | None
    max_actions_per_day: int | None
    max_actions_per_minute: int | None


def caps_by_day(
    days: Sequence[date], standing: int | None, changes: Iterable[tuple[date, int | None]]
) -> list[int | None]:
    """Return the highest cap that stood on each of ``days`` (None: no cap), from how it stands at the end of them.

    ``changes`` hold the day and the cap before each change, the newest first.
    """
    waiting, cap = list(reversed(list(changes))), standing
    found = []
    for day in reversed(days):
        stood = [cap]
        while waiting and waiting[-1][0] >= day:
            cap = waiting.pop()[1]
            stood.append(cap)
        found.append(None if None in stood else max(known for known in stood if known is not None))
    return found[::-1]


@dataclasses.dataclass(frozen=True, slots=True)
class Usage:
    """What has been taken: by the day, but open risk, which is not daily, and the actions of the last 60 seconds."""

    exposure_used: int = 0
    open_risk_reserved: int = 0
    realized_loss: int = 0
    actions_count: int = 0
    actions_last_minute: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Level:
    """One of the two policies that a reservation must pass, with what has been taken out of it."""

    policy: str
    enabled: bool
    reason: str
    caps: Caps
    usage: Usage


@dataclasses.dataclass(frozen=True, slots=True)
class Denial:
    """Why there is no room: which policy, which cap, its limit, what is used and what was asked for."""

    reason: str
    policy: str = ""
    cap: str = ""
    limit: int | None = None
    used: int | None = None
    asked: int | None = None
    words: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """A hold over the engine, as the kernel gave it."""

    rank: int
    code: str
    reason: str


def room(levels: Sequence[Level], amount: int) -> Denial | None:
    """Return which cap refuses ``amount``, or None where it fits every level.

    A reached loss cap is named before a cap that would be exceeded, and GLOBAL (the first level) before the engine.
    """
    for level in levels:
        limit, lost = level.caps.max_daily_loss, level.usage.realized_loss
        if limit is not None and lost >= limit:
            return Denial(LOSS_CAP_REACHED, level.policy, "max_daily_loss", limit, lost, 0)
    for level in levels:
        for cap, limit, used, asked in _measures(level, amount):
            if limit is not None and used + asked > limit:
                return Denial(WOULD_EXCEED, level.policy, cap, limit, used, asked)
    return None


def _measures(level: Level, amount: int) -> Iterator[tuple[str, int | None, int, int]]:
    caps, usage = level.caps, level.usage
    yield "max_amount_per_action", caps.max_amount_per_action, 0, amount
    yield "max_daily_exposure", caps.max_daily_exposure, usage.exposure_used, amount
    yield "max_open_risk", caps.max_open_risk, usage.open_risk_reserved, amount
    yield "max_actions_per_day", caps.max_actions_per_day, usage.actions_count, 1
    yield "max_actions_per_minute", caps.max_actions_per_minute, usage.actions_last_minute, 1


def stop(levels: Sequence[Level], missing: str | None, held: Iterable[Held], *, stale: bool = False) -> Denial | None:
    """Return what stops the engine whatever the amount: a hold, a missing or a disabled policy; None where nothing.

    ``missing`` names the policy that is not there, ``stale`` says that the switches have changed since the request was
    admitted. The order is that of the ranks; GLOBAL stands before the engine.
    """
    found = [(hold.rank, Denial(hold.code, words=hold.reason)) for hold in held]
    if stale:
        found.append((RANK_STALE, Denial(STALE_EPOCH)))
    found += [
        (RANK_DISABLED, Denial(POLICY_DISABLED, level.policy, words=level.reason))
        for level in levels
        if not level.enabled
    ]
    if missing is not None:
        found.append((RANK_MISSING, Denial(POLICY_MISSING, missing)))
    # A disabled policy is a hold too; of two of one rank, the one that names its policy says more.
    return min(found, key=lambda ranked: (ranked[0], not ranked[1].policy))[1] if found else None


def left(limit: int | None, used: int) -> int | None:
    """Return what is left under ``limit`` (never below 0); None is without limit."""
    return None if limit is None else max(0, limit - used)


def loosens(standing: Mapping[str, Any], patch: Mapping[str, Any]) -> frozenset[str]:
    """Name the fields of ``patch`` that loosen a policy: a cap raised or lifted, a policy enabled or brought back."""
    looser = {name for name, value in patch.items() if is_looser(name, value, standing.get(name))}
    return overrides.with_end(looser, standing, patch, ENDING)


def is_looser(name: str, value: Any, than: Any) -> bool:
    """Say whether a control's ``value`` is looser ``than`` another one."""
    if name == "enabled":
        return bool(value and not than)
    if name == "retired":
        return bool(than and not value)
    return name in CAPS and _higher(value, than)


def _higher(value: int | None, than: int | None) -> bool:
    if than is None:
        return False
    return value is None or value > than
