"""The door as commands use it: who is at the shell, and exit statuses that tell the outcome."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from governance import changes, origin
from governance.errors import Invalid, NotFound, Unavailable

REFUSED, WAITS = 1, 4


def operator(named: str) -> str:
    """Return who acts: the one named, else the shell's user."""
    try:
        return named or getpass.getuser()
    except (KeyError, OSError):
        raise CommandError("Nobody is named: say --actor NAME.") from None


def submit(*, action: str, actor: str, reason: str, target: str = "", patch: Mapping[str, Any] | None = None) -> Any:
    """Submit a change and return what it made; CommandError where it is refused (1), malformed (1) or waits (4)."""
    try:
        with origin.of(via="command"):
            outcome = changes.submit(action=action, target=target, patch=patch or {}, actor=actor, reason=reason)
    except (Invalid, NotFound, Unavailable) as wrong:
        raise CommandError(str(wrong), returncode=REFUSED) from None
    if isinstance(outcome, changes.Refused):
        raise CommandError(f"Refused ({outcome.code}): {outcome.message}", returncode=REFUSED)
    if isinstance(outcome, changes.Pending):
        message = (
            f"Waits for a second person: change request {outcome.change.pk}. Approve it in the console or the API."
        )
        raise CommandError(message, returncode=WAITS)
    return outcome.result
