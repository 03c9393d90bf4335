"""Serializers of the hot paths: one of a kind for the whole process, since building one costs more than a decision."""

from __future__ import annotations

import functools
from typing import Any

from rest_framework.serializers import Serializer


def checked(kind: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    """Return ``data`` validated, as ``kind(data=data)`` would; raises DRF's ValidationError."""
    validated: dict[str, Any] = _of(kind).run_validation(data)
    return validated


def shown(kind: type[Serializer[Any]], instance: Any) -> dict[str, Any]:
    """Return ``instance`` as ``kind(instance)`` shows it."""
    representation: dict[str, Any] = _of(kind).to_representation(instance)
    return representation


@functools.cache
def _of(kind: type[Serializer[Any]]) -> Serializer[Any]:
    """Return the one serializer of a kind; it holds neither data nor instance, so threads can share it."""
    return kind()
