"""What this client raises. ``Refused`` and its kinds come before an action only, ``Unsettled`` after it only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from valhalla_governor.events import Event


class GovernorError(Exception):
    """Anything that this client raises; whatever it is, it is no go."""


class Refused(GovernorError):
    """The engine must not act: ``reason`` for machines, ``message`` for people."""

    def __init__(self, reason: str, message: str, *, reservation_id: int | None = None) -> None:
        """Keep the reason, and the reservation that a key of the caller's has already."""
        self.reason, self.message, self.reservation_id = reason, message, reservation_id
        super().__init__(f"{reason}: {message}")


class Unavailable(Refused):
    """The governor was not reached, or could not decide: that is a refusal, ``unavailable``, and no pass."""

    def __init__(self, message: str) -> None:
        """Keep what went wrong."""
        super().__init__("unavailable", message)


class Busy(Refused):
    """The governor was too busy to decide, and took nothing: that is a refusal, ``busy``."""

    def __init__(self, message: str) -> None:
        """Keep what went wrong."""
        super().__init__("busy", message)


class Invalid(GovernorError):
    """The call is malformed: ``errors`` maps each field to sentences that say what is wrong and what to send."""

    def __init__(self, message: str, errors: Mapping[str, Sequence[str]] | None = None) -> None:
        """Keep the fields, and read as one line."""
        self.errors = {field: list(sentences) for field, sentences in (errors or {}).items()}
        told = "; ".join(f"{field}: {' '.join(said)}" for field, said in self.errors.items())
        super().__init__(told or message)


class NotAllowed(GovernorError):
    """The token is missing, unknown, expired, or not for this engine; ``code`` says which."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code."""
        self.code = code
        super().__init__(message)


class NotFound(GovernorError):
    """There is no such reservation or recommendation, or no governor at this address."""


class Conflict(GovernorError):
    """The call contradicts what is recorded; ``code`` says how, such as ``already_settled``."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code."""
        self.code = code
        super().__init__(message)


class Unsettled(GovernorError):
    """A reservation may still be open: the governor was not told how the action ended. Settle ``reservation_id``."""

    def __init__(self, reservation_id: int, message: str) -> None:
        """Keep which reservation."""
        self.reservation_id = reservation_id
        super().__init__(f"Reservation {reservation_id} may still be open. {message}")


class BufferFull(GovernorError):
    """As many events wait as the buffer holds, and this one was not taken: the governor cannot be told."""


class Undelivered(GovernorError):
    """``events`` were not delivered. ``kept``: they still wait and are tried again; if not, they are yours now."""

    def __init__(self, events: Sequence[Event], message: str, *, kept: bool) -> None:
        """Keep the events."""
        self.events, self.kept = tuple(events), kept
        super().__init__(message)
