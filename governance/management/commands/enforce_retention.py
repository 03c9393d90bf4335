"""``manage.py enforce_retention``: remove what has grown older than its retention, from cron or by hand."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from governance import origin, retention
from governance.shell import operator


class Command(BaseCommand):
    """Remove old rows of every lever."""

    help = (
        "Remove rows that are older than their retention (RETENTION_ENABLED, RETENTION_KPI_DAYS) and that nothing "
        "needs any more. The records of decisions are kept for ever."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take whether to remove, and who asks."""
        parser.add_argument("--dry-run", action="store_true", help="Say what would be removed, and remove nothing.")
        parser.add_argument("--actor", default="", help="Who asks (default: the shell's user).")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Remove batch after batch, and say what went."""
        dry_run = options["dry_run"]
        if not settings.RETENTION_ENABLED and not dry_run:
            self.stdout.write("RETENTION_ENABLED is 0: nothing is removed. --dry-run says what would be.")
            return
        actor = operator(options["actor"])
        verb = "would be removed" if dry_run else "removed"
        rows: Counter[str] = Counter()
        with origin.of(via="command"):
            for table, removed in retention.enforce(actor=actor, dry_run=dry_run):
                rows.update({f"{table} {name}": count for name, count in removed.items()})
                self.stdout.write(f"{rows.total()} row(s) {verb} so far")
        for name, count in sorted(rows.items()):
            self.stdout.write(f"{name}: {count} {verb}")
        if not rows:
            self.stdout.write("Nothing is both older than its retention and needed no more.")
