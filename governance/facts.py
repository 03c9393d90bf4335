"""What levers tell one another. A fact is heard in the transaction in which it becomes true: both stand, or neither.

Who tells a fact knows nobody; who hears it says so when it is announced. Whoever hears takes locks that come after the
teller's in the one written order (docs/architecture.md).
"""

from __future__ import annotations

import dataclasses

from governance import register


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tripped:
    """A tripwire has pulled a lever for ``engine``: what its domains have earned, they have lost."""

    engine: str
    actor: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """It is known how something that ``engine`` did has turned out, as ``metric`` counts it.

    ``reference`` says what it was.
    """

    engine: str
    metric: str
    success: bool
    actor: str
    reference: str


def tell(fact: Tripped | Outcome) -> None:
    """Let every lever that hears such a fact hear it, now; an error of theirs undoes the whole transaction."""
    for lever in register.levers():
        hear = lever.hears.get(type(fact))
        if hear is not None:
            hear(fact)
