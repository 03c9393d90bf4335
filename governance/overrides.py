"""The law of overrides: what is loosened until a time goes back, at that time, to how it stood. Pure functions.

A lever says which of its controls an end takes back (those of which one value is known to be the looser), and which of
two values that is: ``is_looser(name, value, than)``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol


class Looser(Protocol):
    """A lever's own law of what is looser."""

    def __call__(self, name: str, value: Any, than: Any, /) -> bool:
        """Say whether a control's ``value`` is looser ``than`` another one."""


def with_end(
    looser: Collection[str], standing: Mapping[str, Any], patch: Mapping[str, Any], ending: Collection[str]
) -> frozenset[str]:
    """Return what ``patch`` loosens: the controls ``looser``, and its end.

    The end of an override loosens when it is put off or taken away, and is one with what it ends.
    """
    if "until" not in patch:
        return frozenset(looser)
    end, stood = patch["until"], standing.get("until")
    put_off = bool(standing.get("falls_back_to")) and (end is None or stood is None or end > stood)
    return frozenset({*looser, "until"} if put_off or not frozenset(ending).isdisjoint(looser) else looser)


def falls_back_to(
    standing: Mapping[str, Any], patch: Mapping[str, Any], ending: Collection[str], is_looser: Looser
) -> dict[str, Any]:
    """Return what controls go back to at the end, once ``patch`` is made; ``standing`` holds what they would before it.

    What ``patch`` loosens with an end goes back to how it stood, and what has an end keeps it: until it is no looser
    than what it would go back to, or the end is taken away. Nothing is ever loosened by an end.
    """
    if "until" in patch and patch["until"] is None:
        return {}
    looser = {name for name, value in patch.items() if name in ending and is_looser(name, value, standing[name])}
    back = {name: standing[name] for name in looser} if patch.get("until") else {}
    after = {**standing, **patch}
    return {
        name: value
        for name, value in {**back, **standing["falls_back_to"]}.items()
        if is_looser(name, after[name], value)
    }
