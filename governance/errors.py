"""What a malformed call raises, in words that name the field. Refusals are values, never exceptions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class Invalid(ValueError):
    """A call is malformed: ``errors`` maps each field to sentences that say what is wrong and what to send."""

    def __init__(self, errors: Mapping[str, Sequence[str]]) -> None:
        """Keep ``errors`` and read as one line for logs and commands."""
        self.errors = {field: list(sentences) for field, sentences in errors.items()}
        super().__init__("; ".join(f"{field}: {' '.join(said)}" for field, said in self.errors.items()))


class NotFound(LookupError):
    """The row that a call names does not exist; the message says which."""


class Conflict(RuntimeError):
    """The call contradicts what is recorded (a key used with another body, a row already resolved)."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the machine's ``code`` beside the person's ``message``."""
        self.code = code
        super().__init__(message)


class Unavailable(RuntimeError):
    """What a control needs to decide cannot be had (a missing singleton): the caller must refuse."""


class Unapproved(PermissionError):
    """A service was asked to loosen a control past the door, while four eyes is on; nothing was changed."""
