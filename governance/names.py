"""The spelling of engines, domains and metrics: pure functions, so that every way in agrees on one form."""

from __future__ import annotations

import re

MAX_LENGTH = 64
_ALLOWED = re.compile(r"[A-Za-z0-9_.\-]{1,64}")


def engine(value: str) -> str:
    """Return an engine's or a domain's name, stripped and upper-cased; ValueError says what is wrong with it."""
    return _spelled(value).upper()


def metric(value: str) -> str:
    """Return a metric's name, stripped and lower-cased; ValueError says what is wrong with it."""
    return _spelled(value).lower()


def _spelled(value: str) -> str:
    name = value.strip(" \t\r\n")
    if not name:
        raise ValueError("May not be blank: give a name of 1 to 64 letters, digits, '_', '-' or '.'.")
    if len(name) > MAX_LENGTH:
        raise ValueError(f"Is {len(name)} characters long: a name has at most {MAX_LENGTH}.")
    if not _ALLOWED.fullmatch(name):
        raise ValueError("Has a character that a name cannot have: use letters A to Z, digits, '_', '-' and '.'.")
    return name
