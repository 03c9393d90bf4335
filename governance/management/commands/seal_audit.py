"""``manage.py seal_audit``: chain what has been recorded since the last seal."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from governance.trail import sealing


class Command(BaseCommand):
    """Seal the trail."""

    help = "Seal every audit row and event that is not sealed yet, in batches. Safe to run anywhere, at any time."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Seal batch after batch, and say how far it came."""
        total = 0
        while seal := sealing.seal_some():
            total += seal.rows
            self.stdout.write(f"seal {seal.chain}.{seal.number}: {seal.rows} row(s), {total} so far")
        self.stdout.write(f"{total} row(s) sealed." if total else "Nothing new to seal.")
