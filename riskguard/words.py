"""Decisions in words, made from their figures, here and nowhere else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from governance import ending, money
from riskguard import rules
from riskguard.rules import Denial

CAP_NAMES = {
    "max_daily_loss": "daily loss",
    "max_daily_exposure": "daily exposure",
    "max_open_risk": "open risk",
    "max_amount_per_action": "amount per action",
    "max_actions_per_day": "actions per day",
    "max_actions_per_minute": "actions per minute",
}
KEY_REUSED = "This idempotency key was used with another body: a new action needs a key of its own."
COUNTED = {"max_actions_per_day", "max_actions_per_minute"}


def granted(engine: str, amount: int, *, dry_run: bool = False) -> str:
    """Say that an amount is reserved, or in a dry run that it would be."""
    return f"{'Would be granted. ' if dry_run else ''}Reserved {money.spoken(amount)} for {engine}."


def denied(denial: Denial, engine: str) -> str:
    """Say which policy and which cap refuses, how much is used and left."""
    if denial.reason == rules.POLICY_MISSING:
        return f"There is no risk policy for {denial.policy}: an operator must create and enable one."
    if denial.reason == rules.POLICY_DISABLED and denial.policy:
        return f"The {denial.policy} risk policy is disabled" + (f": {denial.words}" if denial.words else ".")
    if denial.reason == rules.STALE_EPOCH:
        return f"The switches have changed since this request was admitted: nothing is reserved for {engine}. Ask anew."
    if denial.reason == rules.BUSY:
        return f"The ledger was busy and nothing was reserved for {engine}: try again."
    if not denial.cap:
        return f"{engine} is held: {denial.reason.replace('_', ' ')}" + (f". {denial.words}" if denial.words else ".")
    return _cap(denial)


def _cap(denial: Denial) -> str:
    limit, used, asked = denial.limit or 0, denial.used or 0, denial.asked or 0
    name, figure = CAP_NAMES[denial.cap], _figure(denial.cap)
    if denial.reason == rules.LOSS_CAP_REACHED:
        return f"{denial.policy} has lost {figure(used)} today and its {name} cap is {figure(limit)}."
    if denial.cap == "max_amount_per_action":
        return f"{denial.policy} allows at most {figure(limit)} per action; {figure(asked)} was asked for."
    remaining = rules.left(limit, used) or 0
    return (
        f"{denial.policy}'s {name} cap is {figure(limit)}: {figure(used)} is used and {figure(remaining)} is left; "
        f"{figure(asked)} was asked for."
    )


def _figure(cap: str) -> Callable[[int], str]:
    return str if cap in COUNTED else money.spoken


def allows(policy: str, cap: str, limits: tuple[int | None, int | None], used: int) -> str:
    """Say what a change of ``cap`` from the one limit to the other means today, with ``used`` taken of it."""
    figure, name = _figure(cap), f"{policy}'s {CAP_NAMES[cap]}"
    before, after = (rules.left(limit, used) for limit in limits)
    if after is None:
        return f"{name} has no limit any more; {figure(used)} is used."
    if before is None:
        return f"{name} is limited from now on: {figure(used)} is used and {figure(after)} is left today."
    if before == after:
        return f"{name}: nothing more and nothing less today; {figure(used)} is used and {figure(after)} is left."
    more = "more" if after > before else "less"
    return f"{name}: this allows {figure(abs(after - before))} {more} today; {figure(after)} is left."


def switched(policy: str, *, enabled: bool) -> str:
    """Say what enabling or disabling a policy does."""
    whose = "Every engine" if policy == rules.GLOBAL else policy
    if enabled:
        return f"{whose} may reserve again, within the caps."
    return f"{whose} may reserve nothing from this moment on. Settling and releasing go on."


def ends(policy: str, until: dt.datetime, back: Mapping[str, Any]) -> str:
    """Say what happens at the end of an override (``back`` is what it goes back to), or of a throttle."""
    if not back:
        return f"{policy} stays throttled: from {ending.minute(until)} on, the console asks a person to look at it."
    told = [
        "it is disabled" if name == "enabled" else f"{CAP_NAMES[name]} {_figure(name)(value)}"
        for name, value in back.items()
    ]
    return f"At {ending.minute(until)} {policy} goes back: {', '.join(told)}."


def retiring(policy: str, *, retired: bool) -> str:
    """Say what retiring a policy does, or bringing it back."""
    if retired:
        return f"{policy} is switched off and leaves the lists. Its history stays, and it can be brought back."
    return f"{policy} is listed again, and stays disabled until it is enabled."


def replayed(status: str) -> str:
    """Say why a repeated call is no go any more."""
    return f"This key's reservation is {status.lower()}: nothing may be done on it again."
