"""``manage.py verify_ledger``: hold the ledger against the reservations and the events."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from riskguard import verification
from riskguard.models import RiskLedgerDay


class Command(BaseCommand):
    """Recompute every ledger row."""

    help = "Recompute every ledger row from reservations and from events. Exit status 1 where they disagree."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Print each difference, or that there is none."""
        found = list(verification.differences())
        for difference in found:
            self.stdout.write(str(difference))
        rows = RiskLedgerDay.objects.count()
        if found:
            self.stderr.write(
                f"{len(found)} difference(s) over {rows} ledger row(s). See docs/operating.md, 'The ledger'."
            )
            sys.exit(1)
        self.stdout.write(f"The ledger agrees: {rows} row(s), by reservations and by events.")
