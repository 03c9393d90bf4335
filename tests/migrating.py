"""Migrations there and back, without what the command tells all apps after each: that takes as long again."""

from __future__ import annotations

from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def to(*targets: tuple[str, str | None]) -> None:
    """Bring apps to their migrations of these names; None is zero, before the first."""
    MigrationExecutor(connection).migrate(list(targets))


def up() -> None:
    """Apply every migration that is not."""
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
