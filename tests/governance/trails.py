"""A sealed trail for tests, and what is found wrong with it."""

from __future__ import annotations

import time
from typing import Any

from governance.trail import sealing, verifying
from governance.trail.verifying import Head


def seal_everything() -> int:
    """Seal all that stands, and return how many rows that were.

    Transactions are a whole server's: one of another test, in another database, may hold the sealer back for a while.
    """
    deadline = time.monotonic() + 60
    rows = 0
    while True:
        seal = sealing.seal_some()
        rows += seal.rows if seal else 0
        if seal is None and sealing.waiting() == 0:
            return rows
        assert time.monotonic() < deadline, "rows stay unsealed"


def findings(head: Head | None = None) -> list[str]:
    return [str(finding) for checked in verifying.check(head=head) for finding in checked.findings]


def ids_of(model: Any) -> list[int]:
    return list(model.objects.order_by("pk").values_list("pk", flat=True))
