"""Heimdall's events, for the sealer and the joined reading."""

from __future__ import annotations

from governance.register import Told, Trail
from heimdall.models import HeimdallEvent


def _told(row: HeimdallEvent) -> Told:
    return Told(
        at=row.at, actor=row.actor, what=f"heimdall.{row.kind.lower()}", about=row.domain, outcome=row.reason,
        request_id=row.request_id,
    )  # fmt: skip


_COLUMNS = (
    "id", "tx", "at", "day", "kind", "domain", "recommendation_id", "confidence", "success", "reason", "actor",
    "figures",
)  # fmt: skip
TRAILS = (
    Trail(
        model=HeimdallEvent,
        columns={1: _COLUMNS, 2: (*_COLUMNS, "request_id")},
        told=_told,
    ),
)
