"""What kind of act a request is, told from its view's label, its path and its method; and which paths are exempt."""

from __future__ import annotations

import functools
import posixpath
import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from django.conf import settings
from django.urls import Resolver404, get_urlconf, resolve

if TYPE_CHECKING:
    from valhalla.settings import PathRule

OBSERVE_ONLY, SANDBOX_EXEC, PROD_EXEC = "OBSERVE_ONLY", "SANDBOX_EXEC", "PROD_EXEC"
STRICTER = (OBSERVE_ONLY, SANDBOX_EXEC, PROD_EXEC)
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_PARAMETERS = re.compile(r";[^/]*")


class Kind(NamedTuple):
    """The class of a request, and the engines whose path it is."""

    exec_class: str
    engines: frozenset[str]


def normalised(path: str) -> str:
    """Return ``path`` as the most lenient server would read it: decoded through, without ``;parameters`` and dots."""
    while (decoded := unquote(path)) != path:  # each round is shorter than the one before, so it ends
        path = decoded
    path = _PARAMETERS.sub("", path.replace("\\", "/"))
    return posixpath.normpath("/" + path.lstrip("/"))


def is_exempt(path: str) -> bool:
    """Say whether the gate lets ``path`` pass: both as it was sent and in its normal form, by whole segments."""
    return _exempt(path.rstrip("/")) and _exempt(normalised(path))


def _exempt(path: str) -> bool:
    return any(_within(path, prefix) for prefix in settings.GATE_EXEMPT_PREFIXES)


def kind_of(path: str, method: str) -> Kind:
    """Return the kind of a request: its view's label wins, then the longest matching rule, then the method.

    The path is judged both as it was sent, which is how it is resolved, and in its normal form, and the stricter class
    counts: no spelling of a path is a way round the rule of either.
    """
    return _kind_of(path, method, tuple(settings.GATE_PATH_RULES), get_urlconf() or settings.ROOT_URLCONF)


# Addresses are few, and to resolve one costs a third of the gate.
@functools.lru_cache(maxsize=4096)
def _kind_of(path: str, method: str, known: tuple[PathRule, ...], urlconf: str) -> Kind:
    rules = [_rule(spelling.lower(), known) for spelling in (path, normalised(path))]
    by_method = OBSERVE_ONLY if method in _SAFE else PROD_EXEC
    strictest = max((rule.exec_class if rule else by_method for rule in rules), key=STRICTER.index)
    label, engine = _label(path, urlconf)
    engines = {engine} if engine else {rule.engine for rule in rules if rule and rule.engine}
    return Kind(label or strictest, frozenset(engines))


def _rule(path: str, known: tuple[PathRule, ...]) -> PathRule | None:
    matching = [rule for rule in known if _within(path, rule.prefix)]
    return max(matching, key=lambda rule: len(rule.prefix), default=None)


def _within(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix + "/")


def _label(path: str, urlconf: str) -> tuple[str | None, str | None]:
    """Return the label and the engine that the view at ``path`` bears (``exec_class``, ``exec_engine``)."""
    try:
        view = resolve(path, urlconf).func
    except Resolver404:
        return None, None
    owner = getattr(view, "cls", None) or getattr(view, "view_class", None) or view
    return getattr(owner, "exec_class", None), getattr(owner, "exec_engine", None)
