"""Retention over the whole: each lever removes its own old rows, as it has announced."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from governance import register


def enforce(*, actor: str, dry_run: bool = False) -> Iterator[tuple[str, Mapping[str, int]]]:
    """Remove what is old, batch after batch, and yield each batch's table and what it removed of it."""
    for lever in register.levers():
        for retention in lever.retentions:
            for removed in retention.remove(actor=actor, dry_run=dry_run):
                yield retention.table, removed
