"""What kind of act a request is, told from its view's label, its path and its method; and which paths are exempt."""

from __future__ import annotations

import functools
import posixpath
from typing import Any, NamedTuple
from urllib.parse import unquote

from django.conf import settings
from django.urls import Resolver404, resolve

OBSERVE_ONLY, SANDBOX_EXEC, PROD_EXEC = "OBSERVE_ONLY", "SANDBOX_EXEC", "PROD_EXEC"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class Kind(NamedTuple):
    """The class of a request, and the engine whose path it is, if a rule names one."""

    exec_class: str
    engine: str | None


def normalised(path: str) -> str:
    """Return ``path`` as a file system would read it: decoded through, one slash between segments, no dots.

    The gate judges by this form, so that no spelling of a path is judged as another path.
    """
    for _again in range(3):
        path, before = unquote(path), path
        if path == before:
            break
    return posixpath.normpath("/" + path.replace("\\", "/").lstrip("/"))


def is_exempt(path: str) -> bool:
    """Say whether the gate lets ``path`` pass: both as it was sent and in its normal form, by whole segments."""
    return _exempt(path.rstrip("/") or "/") and _exempt(normalised(path))


def _exempt(path: str) -> bool:
    return any(_within(path, prefix) for prefix in settings.GATE_EXEMPT_PREFIXES)


def kind_of(path: str, method: str) -> Kind:
    """Return the kind of a request: its view's label wins, then the longest matching rule, then the method."""
    rule = _rule(normalised(path).lower())
    label, engine = _label(path)
    engine = engine or (rule.engine if rule else None)
    if label:
        return Kind(label, engine)
    if rule:
        return Kind(rule.exec_class, engine)
    return Kind(OBSERVE_ONLY if method in _SAFE else PROD_EXEC, engine)


@functools.lru_cache(maxsize=1024)
def _rule(path: str) -> Any:
    matching = [rule for rule in settings.GATE_PATH_RULES if _within(path, rule.prefix)]
    return max(matching, key=lambda rule: len(rule.prefix), default=None)


def _within(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


def _label(path: str) -> tuple[str | None, str | None]:
    """Return the label and the engine that the view at ``path`` bears (``exec_class``, ``exec_engine``)."""
    try:
        view = resolve(path).func
    except Resolver404:
        return None, None
    owner = getattr(view, "cls", None) or getattr(view, "view_class", None) or view
    return getattr(owner, "exec_class", None), getattr(owner, "exec_engine", None)
