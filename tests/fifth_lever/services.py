"""The only writes of the quarantine: an engine is in it while its hold stands."""

from __future__ import annotations

import dataclasses
from typing import Any

from django.db import transaction

from governance import audit, holds, metrics
from governance.models import Hold

SOURCE, CODE, SET = "quarantine", "quarantined", "quarantine.set"


@dataclasses.dataclass(frozen=True)
class Ward:
    """Whether an engine is quarantined."""

    quarantined: bool

    def snapshot(self) -> dict[str, Any]:
        return {"quarantined": self.quarantined}


def ward(engine: str) -> Ward:
    return Ward(Hold.objects.select_for_update().filter(scope=engine, source=SOURCE).exists())


@transaction.atomic
def put(*, engine: str, quarantined: bool, actor: str, reason: str) -> Ward:
    """Put an engine into quarantine, or let it out."""
    before = ward(engine)
    if quarantined:
        holds.place(scope=engine, source=SOURCE, code=CODE, reason=reason, rank=35)
    else:
        holds.lift(scope=engine, source=SOURCE, code=CODE)
    after = Ward(quarantined)
    audit.record(
        action=SET, target=engine, actor=actor, reason=reason, before=before.snapshot(), after=after.snapshot()
    )
    metrics.decided(lever=SOURCE, engine=engine, reason=CODE if quarantined else "let_out")
    return after
